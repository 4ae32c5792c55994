"""Files of other revisions that were hard links to what one revision found damaged.

A new object in the store mends the folder it is placed in; a folder of another revision keeps its
link to the damaged bytes. Which folders hold an object is in the records beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from steps.revisions.folder import Entry, Record, RevisionFolder
from steps.revisions.heal_report import BadFile
from steps.revisions.objects import is_right
from vision.datasets.object_store import ObjectStore
from vision.datasets.passes import map_images
from vision.home import folder


def mend_links(store: ObjectStore, healed: Mapping[str, str], mine: Path) -> list[BadFile]:
    """Gives the folders of other revisions the good bytes too.

    To be called while no folder is locked: each is locked in turn, and two who heal at once would
    wait for each other.

    Args:
      store: holds the good bytes.
      healed: MD5 of each file that was damaged to why it still is, empty where it is whole again.
      mine: the folder that was healed.

    Returns:
      what was damaged there, the place naming the revision.
    """
    found: list[BadFile] = []
    for other in _folders() if healed else ():
        if other.path != mine and (record := other.read_record()) and _shares(record, healed):
            with other.locked():
                record = other.read_record()
                found += _mend(other, record, store, healed) if record else []
    return found


def _folders() -> Iterator[RevisionFolder]:
    for record in sorted((folder("datasets") / "dvc").glob("*/*.json")):
        if record.is_file():
            yield RevisionFolder(record.with_name(record.name.removesuffix(".json")))


def _shares(record: Record, healed: Mapping[str, str]) -> bool:
    return any(entry.md5 in healed for entry in record.files.values())


def _mend(
    other: RevisionFolder, record: Record, store: ObjectStore, healed: Mapping[str, str]
) -> list[BadFile]:
    shared = [path for path, entry in record.files.items() if entry.md5 in healed]
    where = f"revision {record.commit[:8]} in {unquote(other.path.name)!r}"
    entries: dict[str, Entry] = {}
    bad = []
    looked = map_images(partial(_is_whole, other, record), shared, "checking other revisions")
    for path, is_whole in zip(shared, looked, strict=True):
        if is_whole:
            continue
        entry = record.files[path]
        why = healed[entry.md5]
        if why:
            # It is looked at again when that revision is next read.
            entries[path] = replace(entry, mtime_ns=-1)
        else:
            (other.path / path).parent.mkdir(parents=True, exist_ok=True)
            store.place(entry.md5, other.path / path)
            entries[path] = other.entry(path, entry.md5)
        bad.append(BadFile(path, where, healed=not why, why=why))
    if entries:
        other.write_record(replace(record, files={**record.files, **entries}))
    return bad


def _is_whole(other: RevisionFolder, record: Record, path: str) -> bool:
    return is_right(other.path / path, record.files[path].md5)
