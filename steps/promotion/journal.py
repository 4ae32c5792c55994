"""What is being changed: written before the first place moves, removed after the last.

``home()/deployments/promotions/<model>.json`` is there exactly while a change of the champion is
under way, or was when its process died. The champion pointer tells how far it came: once it names
the new version the change is done, and what is left only follows.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from serving.models.fault import fault_point
from steps.promotion.files import FOLDER, POINTS, kept_path, read_kept, remove_kept, write_kept
from vision import durable
from vision.bundles.champion import read_champion
from vision.bundles.manifest import Id, check_id
from vision.errors import BundleError, VisionError
from vision.home import folder

State = dict[str, str]
Action = Literal["promote", "rollback"]

PLACES = ("alias", "stage")
# In the order in which a promotion passes them, and then the two of a rollback alone.
FAULT_POINTS = (
    "promotion-locked",
    *(f"promotion-journal-{point}" for point in POINTS),
    *(f"promotion-{place}-moved" for place in PLACES),
    "promotion-pointer-moved",
    *(f"promotion-history-{point}" for point in POINTS),
    "promotion-recorded",
    "promotion-journal-removed",
    *(f"promotion-{place}-restored" for place in PLACES),
    "rollback-services-told",
)

_KIND = "promotions"


class Journal(BaseModel):
    """A change of the champion.

    Attributes:
      id: of the row that records it.
      action: ``promote`` or ``rollback``.
      model: the model's name.
      to: the version that becomes champion.
      former: the champion before; None where there was none.
      number: grows by one with every change.
      began_at: UTC.
      before: what the places held, by their names; they are put back from it.
      earlier: a change that died and that this one came before; its places are settled first.
      earlier_is_done: whether that one had reached the pointer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    action: Action
    model: Id
    to: Id
    former: Id | None
    number: int
    began_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    before: dict[str, State] = {}
    earlier: Journal | None = None
    earlier_is_done: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the champion pointer names the new version; a damaged one names none."""
        try:
            champion = read_champion(self.model)
        except BundleError:
            return False
        return champion is not None and champion.version == self.to


def read_journal(model: str) -> Journal | None:
    """Returns the change that is under way; None where there is none.

    Raises:
      VisionError: it is damaged.
    """
    mend = "delete the file, and promote the champion once more, which brings all places in line"
    what = f"the journal of the promotion of {model}"
    return read_kept(_path(model), Journal, what, mend)


def write_journal(journal: Journal) -> None:
    """Writes down what is about to change.

    Raises:
      VisionError: it cannot be written.
    """
    what = f"the journal of the promotion of {journal.model}"
    write_kept(_path(journal.model), journal, what, "promotion-journal")


def remove_journal(model: str) -> None:
    """Says that nothing is under way any more."""
    remove_kept(_path(model))
    fault_point("promotion-journal-removed")


@contextmanager
def locked(model: str, within_s: float) -> Iterator[None]:
    """Lets one change of a model's champion at a time go on, in all processes of this machine.

    The lock ends with its process, however that ends.

    Raises:
      VisionError: another one took longer than ``within_s`` seconds.
    """
    path = folder(f"{FOLDER}/{_KIND}") / f".{check_id(model, 'model name')}.lock"
    with ExitStack() as held:
        try:
            held.enter_context(durable.locked(path, within_s))
        except TimeoutError as error:
            raise VisionError(
                f"another promotion or rollback of {model} has been under way for "
                f"{within_s:.0f} s; wait for its end, or end its process, and try again"
            ) from error
        fault_point("promotion-locked")
        yield


def _path(model: str) -> Path:
    return kept_path(_KIND, check_id(model, "model name"))
