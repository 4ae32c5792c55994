"""What belongs to model versions in the project's home: images' archives and notes, roll-outs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from steps.packaging.record import FOLDER as IMAGES
from steps.promotion.files import FOLDER as DEPLOYMENTS
from steps.upkeep.staying import Staying
from steps.upkeep.thing import Found, Owner, list_entries
from steps.upkeep.versions import ImageNote, Known

# What a roll-out writes, also while it is tried or was set aside; anything else is somebody's own.
_ROLLED_OUT = ("compose.yaml", "kubernetes")
_BOOKS = ("promotions", "history", "approvals", "roll-outs")


def find_images(root: Path, known: Known) -> Iterator[Found]:
    """Yields archives and notes; an archive belongs to all whose notes name it.

    Raises:
      UnsureError: the folder cannot be read, or is a link.
    """
    for entry in list_entries(root / IMAGES):
        path = Path(entry.path)
        if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
            continue
        if path in known.notes:
            owner = known.notes[path].owner
            if owner is not None:
                yield Found("note", path, frozenset({owner}))
        elif path.suffix == ".tar":
            notes = [note for note in known.notes.values() if _is_about(note, path)]
            owners = [note.owner for note in notes]
            # One that cannot be read may be of any version.
            if None not in owners:
                found = frozenset(owner for owner in owners if owner is not None)
                yield Found("archive", path, found)


def find_roll_outs(root: Path, known: Known, staying: Staying) -> Iterator[Found]:
    """Yields the folders of versions with what was written for roll-outs.

    Raises:
      UnsureError: a folder cannot be read, or is a link.
    """
    pairs: set[Owner] = {*known.versions, *staying.reasons}
    for entry in list_entries(root / DEPLOYMENTS):
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder or entry.name.startswith(".") or entry.name in _BOOKS:
            continue
        path = Path(entry.path)
        if all(each.name.endswith(_ROLLED_OUT) for each in list_entries(path)):
            # The folder does not say of which model.
            owners = frozenset(pair for pair in pairs if pair[1] == entry.name)
            yield Found("roll-out files", path, owners)


def _is_about(note: ImageNote, archive: Path) -> bool:
    return note.path.stem == archive.stem or note.archive == archive
