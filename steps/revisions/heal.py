"""Reads every file of a dataset revision again and makes the damaged ones whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from steps.revisions.contents import Revision, open_revision
from steps.revisions.files import TrackedFile
from steps.revisions.heal_report import BadFile, HealReport
from steps.revisions.linked import mend_links
from steps.revisions.objects import Obtained, is_right, replace_entry, true_md5
from steps.revisions.remote import RemoteError
from vision.config import DatasetConfig
from vision.datasets.passes import map_images

_FOLDER, _STORE, _CACHE = "revision folder", "object store", "DVC cache"


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the bytes of one file are not the recorded ones."""

    file: TrackedFile
    wrong: tuple[str, ...]


def heal(dataset: DatasetConfig) -> HealReport:
    """Reads every file of a revision, wherever it lies here, and replaces those that are damaged.

    It reads the revision's folder, the object store and, where the repository is on this machine,
    the entries of its own DVC cache; what is absent from that cache is no damage. A damaged entry
    of the cache is replaced by a new file in one move, so that a file of the workspace that is a
    hard link to it keeps its bytes. Good bytes come from wherever they are, the DVC remote last.
    Folders of other revisions that are linked to what was damaged are given the good bytes too.

    Args:
      dataset: a section with source ``dvc``.

    Raises:
      DatasetError: no such revision, its list of files is lost, or the remote does not answer.
    """
    revision = open_revision(dataset)
    with revision.writing():
        healer = _Healer(revision)
        report = healer.run()
    with revision.told():
        others = mend_links(revision.objects.store, healer.damaged, revision.folder.path)
    return replace(report, others=tuple(others))


class _Healer:
    """One pass over a revision whose folder is locked.

    Attributes:
      damaged: MD5 of what was not right in folder or store to why it still is not, if it is not.
    """

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._objects = revision.objects
        self._store = revision.objects.store
        self._folder = revision.folder
        self._record = revision.folder.read_record()
        self.damaged: dict[str, str] = {}

    def run(self) -> HealReport:
        bad = self._heal_manifests()
        files = self._revision.listing.files
        found = [each for each in map_images(self._look, files, "checking files") if each.wrong]
        for each in found:
            self._rescue(each)
        for each, obtained in self._obtained(found):
            bad += self._mend(each, obtained)
        self._remember({each.path for each in bad if not each.healed})
        if self._record is None:
            # What was not here yet is no damage once it has been fetched.
            bad = [each for each in bad if each.where == _CACHE or not each.healed]
        return HealReport(self._revision.where, len(files), tuple(bad))

    def _heal_manifests(self) -> list[BadFile]:
        """Replaces damaged lists of files in DVC's cache, which name all the rest."""
        bad = []
        for output in self._revision.outputs:
            if not output.is_directory:
                continue
            file = TrackedFile(output.path, output.md5, "", output.is_legacy, output.remote)
            entry = self._objects.cache_entry(file, output.object_name)
            self._objects.manifest(output)
            if entry is not None and entry.exists() and not is_right(entry, output.md5):
                replace_entry(entry, self._store.path(output.md5))
                bad.append(BadFile(f"{output.path} (the list of its files)", _CACHE, healed=True))
        return bad

    def _look(self, file: TrackedFile) -> _Found:
        wrong = []
        md5 = self._md5_of(file)
        target = self._folder.path / file.path
        is_placed = self._record is not None and is_right(target, md5)
        if self._record is not None and not is_placed:
            wrong.append(_FOLDER)
        # A right file of the folder that is a link into the store need not be read twice.
        is_stored = is_placed and _is_same_file(target, self._store.path(md5))
        if not is_stored and not (md5 and self._store.is_right(md5)):
            wrong.append(_STORE)
        entry = self._objects.cache_entry(file)
        if entry is not None and entry.exists() and not _is_recorded(entry, file):
            wrong.append(_CACHE)
        return _Found(file, tuple(wrong))

    def _md5_of(self, file: TrackedFile) -> str:
        """Returns the MD5 of a file's bytes, which git and DVC 2 do not name; "" if unknown."""
        known = self._record.files.get(file.path) if self._record else None
        if file.md5 and not file.is_legacy:
            return file.md5
        return known.md5 if known else ""

    def _rescue(self, found: _Found) -> None:
        """Takes bytes back from the folder where they are right there and wrong in the store."""
        if _STORE in found.wrong and _FOLDER not in found.wrong and self._record is not None:
            self._store.add(self._folder.path / found.file.path, self._md5_of(found.file))

    def _obtained(self, found: Sequence[_Found]) -> Iterator[tuple[_Found, Obtained]]:
        wrong = {each.file.path: each for each in found}
        try:
            for obtained in self._objects.obtain_all([e.file for e in found], "healing files"):
                yield wrong.pop(obtained.file.path), obtained
        except RemoteError as error:
            # What needs no remote is healed all the same.
            self._objects.offline = str(error)
            rest = [each.file for each in wrong.values()]
            for obtained in self._objects.obtain_all(rest, "healing files"):
                yield wrong.pop(obtained.file.path), obtained

    def _mend(self, found: _Found, obtained: Obtained) -> list[BadFile]:
        path = found.file.path
        if {_FOLDER, _STORE} & set(found.wrong):
            self.damaged[obtained.md5 or self._md5_of(found.file)] = obtained.problem
        if obtained.problem:
            return [BadFile(path, where, False, obtained.problem) for where in found.wrong]
        if _FOLDER in found.wrong:
            (self._folder.path / path).parent.mkdir(parents=True, exist_ok=True)
            self._store.place(obtained.md5, self._folder.path / path)
        entry = self._objects.cache_entry(found.file)
        if _CACHE in found.wrong and entry is not None:
            try:
                replace_entry(entry, self._store.path(obtained.md5))
            except OSError as error:
                why = f"the entry cannot be replaced: {error.strerror}"
                rest = [where for where in found.wrong if where != _CACHE]
                healed = [BadFile(path, where, healed=True) for where in rest]
                return [*healed, BadFile(path, _CACHE, healed=False, why=why)]
        return [BadFile(path, where, healed=True) for where in found.wrong]

    def _remember(self, broken: set[str]) -> None:
        """Makes or completes the folder; where files stay broken, they are looked at next time."""
        if self._record is not None:
            entries = {
                path: replace(entry, mtime_ns=-1)
                if path in broken
                else self._folder.entry(path, entry.md5)
                for path, entry in self._record.files.items()
            }
            self._folder.write_record(replace(self._record, files=entries))
        if not broken:
            self._revision.settled(verify=False)


def _is_recorded(entry: Path, file: TrackedFile) -> bool:
    try:
        return bool(true_md5(entry, file))
    except OSError:
        return False


def _is_same_file(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
