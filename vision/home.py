"""Where the project keeps what it writes on this machine.

One folder holds dataset caches, the tracking database, bundles and logs: ``VISIONSTACK_HOME``
where it is set, else ``.local`` beside the ``vision`` package. Nothing is created until a
function here is asked for a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from vision.errors import ConfigError

_REPOSITORY = Path(__file__).resolve().parent.parent


def repository() -> Path:
    """Returns the folder that holds ``run.py``, ``vision/`` and ``stacks/``."""
    return _REPOSITORY


def home() -> Path:
    """Returns the absolute folder for local state; it may not exist yet."""
    chosen = os.environ.get("VISIONSTACK_HOME")
    return Path(chosen).expanduser().resolve() if chosen else _REPOSITORY / ".local"


def folder(name: str) -> Path:
    """Returns ``home()/name``, created if needed.

    Args:
      name: one of the folders in use: ``datasets``, ``bundles``, ``champions``, ``logs``,
        ``reports``, ``cache``, ``monitoring``, ``deployments``, ``images``, ``passports``,
        ``environments``, ``keys``.

    Raises:
      ConfigError: it cannot be made.
    """
    path = home() / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        # For a file where a folder has to be, Python says that it exists.
        why = "not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise ConfigError(
            [
                f"VISIONSTACK_HOME = {str(home())!r}: {path} cannot be made ({why}); set it to a "
                "folder that you can write to"
            ]
        ) from error
    return path
