"""Which model versions stay, and why; and of which models it cannot be told.

Everything that names a version is read: pointers, histories, journals, approvals, roll-outs. Where
one of them is damaged, nothing of its model is removed, and where it is not known whose it is,
nothing of any model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from serving.models.active import read_active
from serving.models.candidate import read_candidate
from steps.promotion.approvals import read_approval
from steps.promotion.files import FOLDER, kept_path
from steps.promotion.history import read_history
from steps.promotion.journal import Journal, read_journal
from steps.rollout.last import read_last
from steps.upkeep.thing import Owner, UnsureError, list_entries
from steps.upkeep.versions import Known
from vision.bundles.champion import FOLDER as CHAMPIONS
from vision.bundles.champion import Champion, read_champion
from vision.errors import VisionError
from vision.wording import count

# In place of a model's name: of all models.
ALL = ""

Found = tuple[str, str, str]


@dataclass(frozen=True)
class Staying:
    """What stays.

    Attributes:
      reasons: of each version that stays, by (model, version).
      doubts: by model or :data:`ALL`: why nothing of it is removed, as a sentence.
    """

    reasons: Mapping[Owner, str]
    doubts: Mapping[str, str]

    def doubt(self, model: str) -> str:
        """Returns why nothing of a model is removed; empty where there is no such reason."""
        return self.doubts.get(ALL) or self.doubts.get(model, "")


def find_staying(root: Path, known: Known, keep: int) -> Staying:
    """Reads all that names versions.

    Args:
      root: the project's home.
      known: the versions that this home knows.
      keep: how many of the newest versions of each model stay.
    """
    asked = _Asked()
    for sentence in known.unsure:
        asked.doubt(ALL, sentence)
    models = {model for model, _ in known.versions}
    try:
        models |= set(_models(root))
    except UnsureError as error:
        asked.doubt(ALL, str(error))
    for model in sorted(models):
        for read in (_champion, _journal, _history, _approvals, _last):
            asked.ask(model, partial(read, root, model))
        for version in known.newest(model, keep):
            asked.reasons.setdefault((model, version), f"of the {count(keep, 'newest version')}")
    for read_all in (_active, _candidate, partial(_started, root, known)):
        asked.ask(ALL, read_all)
    return Staying(asked.reasons, asked.doubts)


@dataclass(frozen=True)
class _Asked:
    """What the readers have said; the first reason for a version counts."""

    reasons: dict[Owner, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    def ask(self, model: str, read: Callable[[], Iterator[Found]]) -> None:
        try:
            for name, version, why in read():
                self.reasons.setdefault((name, version), why)
        except (VisionError, UnsureError, OSError, ValueError) as error:
            self.doubt(model, str(error))

    def doubt(self, model: str, sentence: str) -> None:
        said = self.doubts.get(model, "")
        # A damaged history is met twice.
        if sentence not in said:
            self.doubts[model] = f"{said}; {sentence}" if said else sentence


def _models(root: Path) -> Iterator[str]:
    """Yields the models of which anything is written down."""
    places = (CHAMPIONS, *(f"{FOLDER}/{kind}" for kind in ("history", "promotions", "roll-outs")))
    for place in places:
        for entry in list_entries(root / place, only_read=True):
            if entry.name.endswith(".json") and not entry.name.startswith("."):
                yield entry.name.removesuffix(".json")
    for entry in list_entries(root / FOLDER / "approvals", only_read=True):
        if not entry.name.startswith("."):
            yield entry.name


def _present(root: Path, model: str) -> Champion | None:
    """Returns the champion.

    Raises:
      VisionError: its pointer is damaged.
      UnsureError: it is no file, or is gone while there was a champion.
    """
    champion = read_champion(model)
    path = root / CHAMPIONS / f"{model}.json"
    if champion is None and path.is_symlink() | path.exists():
        raise UnsureError(f"the champion pointer {path} is no file; promote a version again")
    if champion is None and read_history(model).number:
        raise UnsureError(f"{model} had champions, and has no pointer {path}; promote one again")
    return champion


def _champion(root: Path, model: str) -> Iterator[Found]:
    if (champion := _present(root, model)) is not None:
        yield model, champion.version, "the champion"


def _journal(root: Path, model: str) -> Iterator[Found]:
    journal = read_journal(model)
    _check(model, journal.model if journal else model, "promotions")
    while journal is not None:
        for version in _versions(journal):
            yield model, version, f"a {journal.action} is under way"
        journal = journal.earlier


def _versions(journal: Journal) -> set[str]:
    # What the places held has versions in the keys of one and in the values of the other.
    held = {word for state in journal.before.values() for pair in state.items() for word in pair}
    return {journal.to, *held} | ({journal.former} if journal.former else set())


def _history(root: Path, model: str) -> Iterator[Found]:
    history = read_history(model)
    _check(model, history.model, "history")
    for version in history.previous:
        yield model, version, "a rollback can go back to it"


def _approvals(root: Path, model: str) -> Iterator[Found]:
    champion = _present(root, model)
    for entry in list_entries(root / FOLDER / "approvals" / model, only_read=True):
        if not entry.name.endswith(".json") or entry.name.startswith("."):
            continue
        version = entry.name.removesuffix(".json")
        approval = read_approval(model, version)
        if approval is None or (approval.model, approval.version) != (model, version):
            raise UnsureError(f"{entry.path} is no approval of {model} {version}; delete it")
        if approval.answer is None:
            yield model, version, "it waits for an answer"
        # A later champion makes the comparison, and with it the answer, out of date.
        elif approval.answer == "approved" and (
            champion is None
            or approval.answered_at is None
            or approval.answered_at > champion.promoted_at
        ):
            yield model, version, "it is approved, and not the champion yet"


def _last(root: Path, model: str) -> Iterator[Found]:
    last = read_last(model)
    _check(model, last.model if last else model, "roll-outs")
    if last is not None:
        yield model, last.version, "it was rolled out last"


def _active() -> Iterator[Found]:
    active = read_active()
    for each in active.versions if active else ():
        yield each.name, each.version, "the service here has it, or goes back to it"


def _candidate() -> Iterator[Found]:
    if (candidate := read_candidate()) is not None:
        yield candidate.name, candidate.version, "it is tried beside the champion"


def _started(root: Path, known: Known) -> Iterator[Found]:
    """Yields the versions whose images compose goes back to, by the name of the image."""
    try:
        text = (root / FOLDER / "compose-last.yaml").read_text(encoding="utf-8").lower()
    except FileNotFoundError:
        return
    for model, version in known.versions:
        if f"{model}-{version}".lower() in text:
            yield model, version, "compose goes back to its image"


def _check(model: str, found: str, kind: str) -> None:
    path = kept_path(kind, model)
    if path.is_symlink() and not path.exists():
        raise UnsureError(f"{path} is a link to nothing; delete it")
    if found != model:
        raise UnsureError(f"{path} is about {found} and not {model}; delete it")
