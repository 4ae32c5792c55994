"""The active pointer: which model version was activated, and which ones before it.

One small file, ``home()/serving/active.json``, replaced in one step: whoever reads it, at any
moment and after any crash, sees either the old pointer or the new one, complete. It is written
only by whoever holds the lock beside it, which ends with the process that took it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from serving.models.fault import fault_point
from serving.models.state import ModelRefused
from vision import durable
from vision.bundles.manifest import Id
from vision.errors import BundleError
from vision.home import folder, home

FOLDER = "serving"
MAX_PREVIOUS = 10

_LOCK_FILE = "active.lock"


class StoredVersion(BaseModel):
    """A model version in the store.

    Attributes:
      name: the model's name.
      version: the bundle's version.
      bento_model: ``name:version`` in the BentoML model store, lower case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    version: Id
    bento_model: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}:[a-z0-9._-]{1,64}$")]


class Active(StoredVersion):
    """The version that was activated last.

    Attributes:
      generation: grows by one with every change of the pointer.
      activated_at: when, UTC.
      previous: what was served before it, the latest first.
    """

    generation: Annotated[int, Field(ge=1)]
    activated_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    previous: Annotated[tuple[StoredVersion, ...], Field(max_length=MAX_PREVIOUS)] = ()

    @property
    def versions(self) -> tuple[StoredVersion, ...]:
        """The active version, then those before it."""
        current = StoredVersion(name=self.name, version=self.version, bento_model=self.bento_model)
        return (current, *self.previous)


def active_path() -> Path:
    """Returns where the pointer is; it may not exist yet."""
    return home() / FOLDER / "active.json"


def read_active() -> Active | None:
    """Returns the pointer, or None where nothing was ever activated.

    Raises:
      BundleError: the file is damaged.
    """
    path = active_path()
    try:
        return Active.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BundleError(
            f"the active pointer {FOLDER}/{path.name} in the project's home is damaged "
            f"({error.__class__.__name__}); activate a model version, or delete the file to follow "
            "the champion"
        ) from error


@contextmanager
def locked(within_s: float, lock: str = _LOCK_FILE) -> Iterator[None]:
    """Holds the lock of a pointer, against all processes of this machine.

    Args:
      within_s: how long to wait for it.
      lock: its file beside the pointer.

    Raises:
      ModelRefused: ``busy``, it was held by another for ``within_s`` seconds.
      OSError: the folder cannot be written.
    """
    with ExitStack() as held:
        try:
            held.enter_context(durable.locked(folder(FOLDER) / lock, within_s))
        except TimeoutError as error:
            raise ModelRefused(
                "busy", "another change of the served model is under way; try again soon"
            ) from error
        yield


def write_active(active: Active) -> Path:
    """Replaces the pointer, and returns its path; to be called with the lock held.

    Raises:
      OSError: it cannot be written; the old pointer is still there.
    """
    target = active_path()
    replace_pointer(target, active.model_dump_json(indent=2) + "\n")
    return target


def replace_pointer(target: Path, text: str) -> None:
    """Replaces a pointer file in one step; to be called with its lock held.

    Raises:
      OSError: it cannot be written; the old file is still there.
    """
    durable.replace_file(
        target, text, is_alone=True, reached=lambda point: fault_point(f"pointer-{point}")
    )
