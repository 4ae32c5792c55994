"""One part of one commit of a repository: its files, where they come from, and its folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from steps.revisions.blobs import list_files
from steps.revisions.dvc_repository import DvcRevision
from steps.revisions.files import DvcOutput, Selection, TrackedFile, dir_hash_of, relative_to
from steps.revisions.folder import Changes, Entry, Record, RevisionFolder
from steps.revisions.git import find_commit
from steps.revisions.objects import Objects, Obtained, is_right
from vision.config import DatasetConfig
from vision.datasets.object_store import ObjectStore
from vision.datasets.passes import map_images
from vision.datasets.whole_folder import whole_folder
from vision.environment import prepare
from vision.errors import DatasetError
from vision.home import folder
from vision.wording import count

_log = logging.getLogger(__name__)

_MOST_NAMES = 5
_CHECKING = "checking files"


def open_revision(dataset: DatasetConfig, commit: str | None = None) -> Revision:
    """Finds the commit of a dataset section; fetches nothing yet.

    Args:
      dataset: a section with source ``dvc``.
      commit: the commit to take, where its revision was resolved before and may have moved since.

    Raises:
      DatasetError: no repository, or no such revision.
    """
    prepare()
    if dataset.source != "dvc" or not dataset.path or not dataset.revision:
        raise DatasetError(f"Only source dvc has revisions; dataset.source is {dataset.source}.")
    within = PurePosixPath(dataset.subfolder.strip("/"))
    if ".." in within.parts:
        raise DatasetError(f"dataset.subfolder {dataset.subfolder} must lie inside the repository.")
    git, commit = find_commit(dataset.path, commit or dataset.revision)
    below = str(PurePosixPath(git.prefix, within))
    is_root = below == "."
    selection = Selection("" if is_root else below, only_dvc=is_root and not dataset.annotations)
    # An escaped name has no @: no folder of a repository is mistaken for all of it.
    name = "@tracked" if selection.only_dvc else "@all" if is_root else quote(below, safe="")
    place = folder("datasets") / "dvc" / commit / name
    revision = DvcRevision(git, commit, str(within))
    objects = Objects(ObjectStore(folder("datasets") / "objects"), revision)
    return Revision(RevisionFolder(place), selection, objects, dataset.subfolder)


@dataclass(frozen=True)
class Listing:
    """The files of a revision as git and DVC recorded them, by their paths in the folder."""

    files: tuple[TrackedFile, ...]
    dir_hash: str


class Revision:
    """One part of one commit: its folder, its files, and where their objects come from.

    Attributes:
      folder: where its files are, or will be.
      objects: where they come from.
      where: repository, commit and subfolder in a few words, for messages.
    """

    def __init__(
        self, place: RevisionFolder, selection: Selection, objects: Objects, subfolder: str
    ) -> None:
        self.folder = place
        self.objects = objects
        self._selection = selection
        self._subfolder = subfolder
        self.where = f"{objects.revision.where} in {subfolder!r}"

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keeps other processes out of the folder; what cannot be written is a DatasetError."""
        with self.told(), self.folder.locked():
            yield

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what the machine refuses to write into a DatasetError."""
        try:
            yield
        except OSError as error:
            raise DatasetError(
                f"{self.folder.path} cannot be written: {error}. Make room, or set "
                "VISIONSTACK_HOME to another place; the folder may be removed at any time."
            ) from error

    @cached_property
    def outputs(self) -> list[DvcOutput]:
        """What DVC tracks of it.

        Raises:
          DatasetError: no DVC there.
        """
        return self._selection.outputs(self.objects.revision.outputs)

    @cached_property
    def listing(self) -> Listing:
        """What it holds.

        Raises:
          DatasetError: no DVC there, nothing in the subfolder, or a list of files that is missing,
            damaged, or leads out of the folder.
        """
        dvc, selection = self.objects.revision, self._selection
        outputs = self.outputs
        files = [
            file
            for output in outputs
            for file in selection.dvc_files(output, self.objects.manifest(output))
        ]
        if not selection.only_dvc:
            tracked = list_files(dvc.git.root, dvc.commit, selection.below)
            files += selection.git_files(tracked)
        if not files:
            raise self._nothing_there()
        if any(file.path == selection.below for file in files):
            raise DatasetError(
                f"{self._subfolder!r} of {dvc.where} is a file; set dataset.subfolder to the "
                "folder that holds it."
            )
        top = selection.top(files, outputs)
        return Listing(tuple(relative_to(files, top)), dir_hash_of(outputs))

    def _nothing_there(self) -> DatasetError:
        dvc = self.objects.revision
        tracked = ", ".join([output.path for output in dvc.outputs][:_MOST_NAMES])
        return DatasetError(
            f"{dvc.where} has no files in {self._subfolder!r}; set dataset.subfolder. DVC tracks "
            f"{tracked or 'nothing; run dvc add'}."
        )

    def settled(self, verify: bool = True) -> Record:
        """Returns the record of the folder once every file of it is there and right.

        To be called while the folder is locked.

        Args:
          verify: whether every file is read; otherwise only those whose length or time changed.
        """
        record = self.folder.read_record()
        if record is None:
            return self._make()
        changes = self.folder.changes(record)
        if verify:
            changes = Changes(tuple(record.files), changes.strays)
        if changes.files or changes.strays:
            return self._mend(record, changes)
        return record

    def _make(self) -> Record:
        self.objects.store.remove_old_drafts()
        self.folder.remove_drafts()
        files = self.listing.files
        if self.folder.path.is_dir():
            self.folder.drop_record()
            entries = self._fill(self.folder.path, files)
        else:
            with whole_folder(self.folder.path) as draft:
                entries = self._fill(draft, files)
        commit, remote = self.objects.revision.commit, self.objects.revision.remote_title
        record = Record(commit, self.listing.dir_hash, remote, entries)
        self.folder.set_aside(self.folder.changes(record).strays)
        self.folder.write_record(record)
        return record

    def _fill(self, base: Path, files: Sequence[TrackedFile]) -> dict[str, Entry]:
        """Places files below ``base``; all that can be had are placed before others are named."""
        for above in {(base / file.path).parent for file in files}:
            above.mkdir(parents=True, exist_ok=True)
        entries: dict[str, Entry] = {}
        failed: list[Obtained] = []
        for obtained in self.objects.obtain_all(files, "fetching files"):
            if obtained.problem:
                failed.append(obtained)
                continue
            path = obtained.file.path
            self.objects.store.place(obtained.md5, base / path)
            entries[path] = RevisionFolder(base).entry(path, obtained.md5)
        if failed:
            raise self.objects.error(failed, len(self.listing.files))
        return entries

    def _mend(self, record: Record, changes: Changes) -> Record:
        """Makes files again that were damaged since; those that were only touched stay."""
        found = {}
        damaged, unknown = [], set()
        for path, entry, is_whole in map_images(self._mended(record), changes.files, _CHECKING):
            found[path] = entry or record.files[path]
            if not is_whole:
                damaged.append(path)
            if entry is None:
                unknown.add(path)
        if unknown:
            wanted = [file for file in self.listing.files if file.path in unknown]
            found.update(self._fill(self.folder.path, wanted))
        if damaged:
            _log.warning(
                "%s of %s had been damaged here and %s made again, for example %s",
                count(len(damaged), "file"),
                self.where,
                "was" if len(damaged) == 1 else "were",
                min(damaged),
            )
        self.folder.set_aside(changes.strays)
        mended = replace(record, files={**record.files, **found})
        if mended.files != record.files:
            self.folder.write_record(mended)
        return mended

    def _mended(self, record: Record) -> Callable[[str], tuple[str, Entry | None, bool]]:
        """Returns what gives a file's path, its entry where the store had it, and its state."""

        def mend(path: str) -> tuple[str, Entry | None, bool]:
            md5 = record.files[path].md5
            is_whole = is_right(self.folder.path / path, md5)
            if not is_whole:
                if not self.objects.store.is_right(md5):
                    return path, None, False
                (self.folder.path / path).parent.mkdir(parents=True, exist_ok=True)
                self.objects.store.place(md5, self.folder.path / path)
            return path, self.folder.entry(path, md5), is_whole

        return mend
