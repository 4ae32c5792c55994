"""Gets the files of a revision into the object store, every one of them checked.

An object is taken from the store itself, else from the cache of the user's repository, else from
the DVC remote. Wherever it is damaged it is passed over, as if it were missing there.
"""

from __future__ import annotations

import logging
import shutil
import stat
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from steps.revisions.blobs import read_blobs
from steps.revisions.dvc_repository import DvcRevision, legacy_md5
from steps.revisions.files import DvcOutput, TrackedFile, read_manifest
from steps.revisions.remote import DvcRemote, object_path
from vision.datasets.object_store import ObjectStore, md5_of
from vision.datasets.passes import map_in_order
from vision.errors import DatasetError
from vision.progress import track

_log = logging.getLogger(__name__)

_MOST_NAMES = 5
# A remote is waited for more than computed with: four requests for each of two cores.
_N_THREADS = 8
_LFS = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Obtained:
    """What came of getting one file.

    Attributes:
      file: the file.
      md5: of its bytes in the store; empty where it could not be had.
      problem: why not, in a few words; empty where it was.
    """

    file: TrackedFile
    md5: str
    problem: str = ""


class Objects:
    """Where the objects of one revision come from.

    Attributes:
      store: where they go.
      revision: what DVC and git recorded.
      damaged: paths of the entries of DVC's cache whose bytes are not those of their names.
      damaged_far: addresses of the objects of remotes of which the same is true.
      offline: where set, the remote is not asked, and this is why.
    """

    def __init__(self, store: ObjectStore, revision: DvcRevision) -> None:
        self.store = store
        self.revision = revision
        self.damaged: set[Path] = set()
        self.damaged_far: set[str] = set()
        self.offline = ""

    def obtain_all(self, files: Sequence[TrackedFile], doing: str) -> Iterator[Obtained]:
        """Yields what came of each file, in no order that matters; shows progress.

        Raises:
          RemoteError: the remote cannot be reached or refuses access.
        """
        if not files:
            return
        from_dvc = [file for file in files if file.md5]
        from_git = [file for file in files if not file.md5]
        with ThreadPoolExecutor(_N_THREADS, thread_name_prefix="objects") as pool:
            found = map_in_order(pool, self._obtain, from_dvc)
            yield from track(self._then(found, from_git), len(files), doing, "files")
        if self.damaged:
            _log.warning(
                "%d entries of DVC's cache are damaged and were passed over, for example %s; "
                "run.py data heal replaces them",
                len(self.damaged),
                min(self.damaged),
            )

    def _then(
        self, found: Iterator[Obtained], from_git: Sequence[TrackedFile]
    ) -> Iterator[Obtained]:
        yield from found
        blobs = read_blobs(self.revision.git.root, [file.blob for file in from_git])
        for file, data in zip(from_git, blobs, strict=True):
            if data is None:
                yield Obtained(file, "", "missing or damaged in git; run git fsck")
            elif data.startswith(_LFS):
                yield Obtained(file, "", "kept in Git LFS, which is not read; use dvc add")
            else:
                yield Obtained(file, self.store.add_bytes(data))

    def manifest(self, output: DvcOutput) -> bytes | None:
        """Returns the list of a folder's files as DVC wrote it, None for a single file.

        Raises:
          DatasetError: it is missing or damaged wherever it could be, or the remote is down.
        """
        if not output.is_directory:
            return None
        name = f"{output.path} (DVC's list of its files)"
        file = TrackedFile(name, output.md5, "", output.is_legacy, output.remote)
        obtained = self._obtain(file, output.object_name)
        if obtained.problem:
            raise self.error([obtained], 1)
        return self.store.path(obtained.md5).read_bytes()

    def cache_entry(self, file: TrackedFile, name: str = "") -> Path | None:
        """Returns where the user's repository would keep an object, None where it has no cache."""
        cache = self.revision.cache
        if cache is None or not file.md5:
            return None
        return cache / object_path(name or file.md5, file.is_legacy)

    def _obtain(self, file: TrackedFile, name: str = "") -> Obtained:
        if self.store.is_right(file.md5):
            return Obtained(file, file.md5)
        md5, in_cache = self._from_cache(file, name)
        if md5:
            return Obtained(file, md5)
        md5, in_remote = self._from_remote(file, name)
        return Obtained(file, md5, "" if md5 else " and ".join(filter(None, (in_cache, in_remote))))

    def _from_cache(self, file: TrackedFile, name: str) -> tuple[str, str]:
        entry = self.cache_entry(file, name)
        if entry is None:
            return "", ""
        try:
            # Copying checks the bytes; only DVC 2 names them by something else than their MD5.
            md5 = true_md5(entry, file) if file.is_legacy else file.md5
            if md5 and self.store.add(entry, md5):
                return md5, ""
        except FileNotFoundError:
            return "", "missing in DVC's cache"
        except OSError as error:
            return "", f"unreadable in DVC's cache: {error.strerror}"
        self.damaged.add(entry)
        return "", "damaged in DVC's cache"

    def _from_remote(self, file: TrackedFile, name: str) -> tuple[str, str]:
        if self.offline:
            return "", self.offline
        remote = self.revision.remote(file.remote)
        if remote is None:
            return "", ""
        with self.store.draft() as draft:
            if not remote.fetch(name or file.md5, file.is_legacy, draft):
                return "", "missing in the remote"
            md5 = true_md5(draft, file)
            if not md5:
                self.damaged_far.add(remote.address(name or file.md5, file.is_legacy))
                return "", "damaged in the remote"
            self.store.take(draft, md5)
            return md5, ""

    def error(self, failed: Sequence[Obtained], n_files: int) -> DatasetError:
        """Returns the error that names files that could not be had, and the next move."""
        shown = "; ".join(f"{each.file.path} ({each.problem})" for each in failed[:_MOST_NAMES])
        more = f"; and {len(failed) - _MOST_NAMES:,} more" if len(failed) > _MOST_NAMES else ""
        return DatasetError(
            f"{len(failed):,} of {n_files:,} files of {self.revision.where} cannot be had: {shown}"
            f"{more}. {self._next_move(failed)}"
        )

    def _next_move(self, failed: Sequence[Obtained]) -> str:
        if all(not each.file.md5 for each in failed):
            return "Mend the git repository, then try again."
        remote = self.revision.remote(next(each.file.remote for each in failed if each.file.md5))
        if remote is None:
            return (
                "The repository has no DVC remote to fetch them from; run dvc remote add -d NAME "
                "URL, and dvc push where the files are whole."
            )
        if not remote.exists():
            return f"There is nothing at the DVC remote {remote.title}; check its address."
        push = f"un dvc push to {remote.title} where the files are whole, then try again."
        # DVC takes what is in a remote for whole, and where a list is, all that it names for there.
        lists = self._lists_of(failed, remote)
        if self.damaged_far:
            removed = " and ".join(map(_named, filter(None, (self.damaged_far - lists, lists))))
            return f"Remove {removed} from the remote, which dvc push leaves alone, and r{push}"
        if lists:
            push += f" Where dvc push finds nothing to do, first remove {_named(lists)}."
        return f"R{push}"

    def _lists_of(self, failed: Sequence[Obtained], remote: DvcRemote) -> set[str]:
        """Returns the addresses of the lists that name files."""
        md5s = {each.file.md5 for each in failed}
        found = set()
        for output in self.revision.outputs:
            kept = self.store.path(output.md5)
            if not output.is_directory or not kept.is_file():
                continue
            named = {md5 for _, md5 in read_manifest(kept.read_bytes(), output.path)}
            if md5s & named:
                found.add(remote.address(output.object_name, output.is_legacy))
        return found


def _named(addresses: set[str]) -> str:
    more = len(addresses) - _MOST_NAMES
    shown = ", ".join(sorted(addresses)[:_MOST_NAMES])
    return f"{shown} (and {more:,} more)" if more > 0 else shown


def true_md5(path: Path, file: TrackedFile) -> str:
    """Returns the MD5 of a file's bytes where they are the recorded ones, else ``""``.

    Raises:
      OSError: it cannot be read.
    """
    md5 = md5_of(path)
    if md5 == file.md5 or (file.is_legacy and legacy_md5(path) == file.md5):
        return md5
    return ""


def is_right(path: Path, md5: str) -> bool:
    """Reads a file: whether it is a plain one with these bytes; nothing else is opened."""
    try:
        return stat.S_ISREG(path.lstat().st_mode) and md5_of(path) == md5
    except OSError:
        return False


def replace_entry(entry: Path, source: Path) -> None:
    """Puts good bytes in a new file under the name of a damaged entry of DVC's cache."""
    draft = entry.with_name(f"{entry.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(stat.S_IMODE(entry.stat().st_mode))
        draft.replace(entry)
    finally:
        draft.unlink(missing_ok=True)
