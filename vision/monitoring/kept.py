"""What outlives the run that wrote it: small JSON files below ``home()/monitoring``, and folders.

Each file is replaced in one step, so whoever reads it, at any moment and after any crash, sees the
old values or the new ones, complete. A damaged one is put aside, told about, and begun anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from vision import durable
from vision.errors import VisionError
from vision.home import folder, home
from vision.progress import say

Values = TypeVar("Values", bound=BaseModel)

FOLDER = "monitoring"
_PRIVATE = 0o700


def private_folder(name: str) -> Path:
    """Returns ``home()/name``, created if needed, which no other user of the machine may enter.

    What shows images of the service must not be easier to read than the images themselves.

    Raises:
      ConfigError: it cannot be made.
    """
    place = folder(name)
    # The folder of another user of a shared home, and some network drives, let nobody change that.
    with suppress(OSError):
        place.chmod(_PRIVATE)
    return place


def kept_path(kind: str, name: str) -> Path:
    """Returns ``home()/monitoring/<kind>/<name>.json``; it may not exist yet."""
    return home() / FOLDER / kind / f"{name}.json"


def read_kept(path: Path, values: type[Values], what: str) -> Values | None:
    """Returns what a file holds.

    Args:
      path: of :func:`kept_path`.
      values: the type of what it holds.
      what: what is in it, for people, such as ``the state of digits``.

    Returns:
      None where there is no such file, or where it is damaged: then it is put aside as
      ``.damaged``, and a line says so.

    Raises:
      VisionError: it is there and cannot be read.
    """
    try:
        return values.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        aside = path.with_suffix(".damaged")
        path.replace(aside)
        say(f"{what} was damaged; the file is now {aside}, and it begins anew")
        return None
    except OSError as error:
        raise VisionError(f"{what} cannot be read from {path} ({error.strerror})") from error


def write_kept(path: Path, values: BaseModel, what: str) -> None:
    """Replaces what a file holds, in one step.

    Raises:
      ConfigError: its folder cannot be made.
      VisionError: it cannot be written; what it held is still there.
    """
    folder(f"{FOLDER}/{path.parent.name}")
    try:
        durable.replace_file(path, values.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise VisionError(
            f"{what} cannot be written to {path} ({error.strerror}); make room there, or set "
            "VISIONSTACK_HOME to a folder that you can write to"
        ) from error


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lets one process at a time read and replace a file; others wait for it.

    Raises:
      ConfigError: its folder cannot be made.
    """
    place = folder(f"{FOLDER}/{path.parent.name}")
    with durable.locked(place / f".{path.stem}.lock"):
        yield
