"""The champion pointer: which version of a model is served.

One small file per model name, ``home()/champions/<name>.json``, replaced in one step: whoever reads
it, at any moment and after any crash, sees either the old pointer or the new one, complete.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from vision import durable
from vision.bundles.manifest import Id, check_id
from vision.errors import BundleError
from vision.home import folder, home

FOLDER = "champions"
# Which files of the folder are pointers; those with a dot are being written.
POINTERS = "[!.]*.json"


class Champion(BaseModel):
    """The version of a model that is served.

    Attributes:
      name: the model's name.
      version: the bundle's version.
      bento_model: ``name:version`` in the BentoML model store, lower case.
      promoted_at: when it became champion, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Id
    version: Id
    bento_model: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,64}:[a-z0-9._-]{1,64}$")]
    promoted_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


def write_champion(champion: Champion) -> Path:
    """Makes ``champion`` the served version of its model, and returns the pointer's path."""
    target = folder(FOLDER) / f"{check_id(champion.name, 'model name')}.json"
    durable.replace_file(target, champion.model_dump_json(indent=2) + "\n")
    return target


def read_champion(name: str) -> Champion | None:
    """Returns the champion of the model ``name``, or None where there is none yet.

    Raises:
      BundleError: the name is not allowed, or the pointer is damaged.
    """
    path = home() / FOLDER / f"{check_id(name, 'model name')}.json"
    return _read(path) if path.is_file() else None


def newest_champion() -> Champion | None:
    """Returns the champion that was promoted last of all models, or None where there is none.

    Raises:
      BundleError: a pointer is damaged.
    """
    champions = [_read(path) for path in sorted((home() / FOLDER).glob(POINTERS))]
    return max(champions, key=lambda champion: champion.promoted_at, default=None)


def _read(path: Path) -> Champion:
    try:
        champion = Champion.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(
            f"the champion pointer {path} is damaged ({error.__class__.__name__}); delete the "
            "file and promote a model version again"
        ) from error
    if champion.name != path.stem:
        raise BundleError(
            f"the champion pointer {path} names the model {champion.name!r}, and must name "
            f"{path.stem!r}; delete the file and promote a model version again"
        )
    return champion
