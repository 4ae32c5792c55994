"""The prediction log: what was predicted, asked, said about it, checked and deployed.

:class:`PredictionLog` takes records off the request path, keeps them on the disk while the database
is away, and stores each of them once.
"""

from serving.log.errors import LogError
from serving.log.log import PredictionLog
from serving.log.status import LogStatus

__all__ = ["LogError", "LogStatus", "PredictionLog"]
