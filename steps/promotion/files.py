"""Small JSON files below ``home()/deployments``, each replaced in one step.

Whoever reads one, at any moment and after any crash, sees the old values or the new ones, complete;
also after a loss of power.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError

from serving.models.fault import fault_point
from vision import durable
from vision.errors import VisionError
from vision.home import folder, home

Values = TypeVar("Values", bound=BaseModel)

FOLDER = "deployments"
POINTS: tuple[str, ...] = get_args(durable.Point)


def kept_path(kind: str, name: str) -> Path:
    """Returns ``home()/deployments/<kind>/<name>.json``; it may not exist yet."""
    return home() / FOLDER / kind / f"{name}.json"


def read_kept(path: Path, values: type[Values], what: str, mend: str) -> Values | None:
    """Returns what a file holds, None where there is no such file.

    Args:
      path: of :func:`kept_path`.
      values: the type of what it holds.
      what: what is in it, for people.
      mend: what to do where it is damaged.

    Raises:
      VisionError: it cannot be read, or is damaged.
    """
    try:
        return values.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise VisionError(f"{what}, {path}, is damaged; {mend}") from error
    except OSError as error:
        raise VisionError(f"{what} cannot be read from {path} ({error.strerror})") from error


def write_kept(path: Path, values: BaseModel, what: str, point: str) -> None:
    """Replaces what a file holds; what a process left here that died is removed.

    Args:
      path: of :func:`kept_path`.
      values: what it is to hold.
      what: what that is, for people.
      point: begins the names of the fault points, which end as :data:`POINTS`.

    Raises:
      ConfigError: its folder cannot be made.
      VisionError: it cannot be written.
    """
    folder(str(path.parent.relative_to(home())))
    try:
        durable.replace_file(
            path,
            values.model_dump_json(indent=2) + "\n",
            is_alone=True,
            reached=lambda at: fault_point(f"{point}-{at}"),
        )
    except OSError as error:
        raise VisionError(
            f"{what} cannot be written to {path} ({error.strerror}); make room there, or set "
            "VISIONSTACK_HOME to a folder that you can write to"
        ) from error


def remove_kept(path: Path) -> None:
    """Removes a file, for good also after a loss of power; one that is not there is no error."""
    path.unlink(missing_ok=True)
    durable.sync_folder(path.parent)
