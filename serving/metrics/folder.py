"""The folder that the workers of one service share for their metrics.

BentoML gives all services of a user one folder, ``prometheus_multiproc_dir`` in its home, and each
that starts empties it, under the workers of those that run already. So the process that starts a
service makes a folder of its own, which its workers inherit and take instead.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from serving.metrics.workers import FOLDER_VARIABLE

OWN_VARIABLE = "VISIONSTACK_METRICS_FOLDER"


def is_worker() -> bool:
    """Tells whether BentoML started this process to answer requests, for a service of ours."""
    # BentoML names its folder to workers only, never to the process that starts them.
    return FOLDER_VARIABLE in os.environ and OWN_VARIABLE in os.environ


def choose_folder() -> None:
    """Takes the service's folder in a worker; makes one in the process that starts workers.

    The folder goes when that process ends. To be called before a metric is opened.

    Raises:
      OSError: there is no place for temporary files.
    """
    if is_worker():
        os.environ[FOLDER_VARIABLE] = os.environ[OWN_VARIABLE]
        return
    folder = tempfile.mkdtemp(prefix="visionstack-metrics-")
    os.environ[OWN_VARIABLE] = folder
    atexit.register(_remove, folder, os.getpid())


def _remove(folder: str, owner: int) -> None:
    # A fork of the owner ends too, and earlier.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
