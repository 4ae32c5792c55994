"""The last roll-out of a model that ended well: what runs where, for whoever comes next.

``home()/deployments/roll-outs/<model>.json``. A version that was rolled out as the champion is
settled: rolling it out once more is about the services alone. A rollback finds the services here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from steps.promotion.files import FOLDER, kept_path, read_kept, write_kept
from vision.bundles.manifest import Id, check_id
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import RollOut


class LastRollOut(BaseModel):
    """A roll-out that ended well.

    Attributes:
      model: the model's name.
      version: what was rolled out.
      number: how often the champion of this model had changed then.
      target: where to.
      services: the addresses of all replicas.
      files: what was applied, relative to the project's home.
      at: when it ended, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Id
    version: Id
    number: int
    target: Literal["local", "compose", "kubernetes"]
    services: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    at: AwareDatetime

    def files_of(self, version: str) -> tuple[str, ...]:
        """Returns where the same files of another version are, if they were ever written."""
        own, others = f"{FOLDER}/{self.version}/", f"{FOLDER}/{version}/"
        return tuple(others + each.removeprefix(own) for each in self.files if each.startswith(own))


def read_last(model: str) -> LastRollOut | None:
    """Returns the last roll-out of a model, None where there was none.

    Raises:
      VisionError: it is damaged.
    """
    mend = "delete the file; then a rollback has to be told the services (--service)"
    return read_kept(_path(model), LastRollOut, _what(model), mend)


def write_last(found: RollOut, number: int, services: tuple[str, ...]) -> None:
    """Notes a roll-out that is done.

    Args:
      found: what became of it.
      number: how often the champion has changed.
      services: the addresses that it was rolled out to.

    Raises:
      VisionError: it cannot be written.
    """
    note_last(
        LastRollOut.model_validate(
            {
                "model": found.model,
                "version": found.version,
                "number": number,
                "target": found.target,
                "services": services,
                "files": found.files,
                "at": found.ended_at,
            }
        )
    )


def moved(last: LastRollOut, change: Promoted) -> LastRollOut:
    """Returns what is to be noted where a rollback was served by all that the last one was for."""
    new = {
        "version": change.version,
        "number": change.number,
        "files": last.files_of(change.version),
        "at": datetime.now(UTC),
    }
    return last.model_copy(update=new)


def note_last(last: LastRollOut) -> None:
    """Replaces what is noted.

    Raises:
      VisionError: it cannot be written.
    """
    write_kept(_path(last.model), last, _what(last.model), "roll-out-last")


def _what(model: str) -> str:
    return f"the last roll-out of {model}"


def _path(model: str) -> Path:
    return kept_path("roll-outs", check_id(model, "model name"))
