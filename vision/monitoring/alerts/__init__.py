"""Telling people that the state of a served model changed.

A secret (a webhook's address, a password) is named in the configuration by its environment
variable, and appears nowhere else: not in a log, a report, an error or a sentence of a delivery.
"""

from vision.monitoring.alerts.delivery import Delivery
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.alerts.tell import is_told, missing_variables, tell
from vision.monitoring.state import StateChange

__all__ = [
    "Delivery",
    "Message",
    "StateChange",
    "is_told",
    "missing_variables",
    "tell",
    "write_message",
]
