"""Which files belong to a dataset revision, by what git and DVC recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from steps.revisions.blobs import GitFile
from vision.datasets.object_store import is_md5
from vision.errors import DatasetError

# What DVC 2 called its MD5, which is that of a text with its line ends unified.
LEGACY = "md5-dos2unix"
_DIRECTORY = ".dir"
_MOST_NAMES = 5
# What git and DVC keep for themselves is no part of a dataset.
_HOUSEKEEPING = {
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    ".gitkeep",
    "dvc.lock",
    "dvc.yaml",
}


@dataclass(frozen=True, slots=True)
class DvcOutput:
    """A file or folder that DVC tracks.

    Attributes:
      path: from the root of the git repository.
      md5: of the file, or of the list of a folder's files.
      is_directory: whether it is a folder.
      is_legacy: whether DVC 2 wrote it, which took the MD5 of text with its line ends unified.
      remote: the remote that the output names for itself, None for the default one.
    """

    path: str
    md5: str
    is_directory: bool
    is_legacy: bool = False
    remote: str | None = None

    @property
    def object_name(self) -> str:
        """The name of its object in caches and remotes."""
        return f"{self.md5}{_DIRECTORY}" if self.is_directory else self.md5


def recorded_output(
    path: str, hash_name: str, recorded: str, remote: str | None, where: str
) -> DvcOutput:
    """Returns an output as DVC recorded it.

    Raises:
      DatasetError: by no hash, or by another one than MD5.
    """
    if not recorded:
        raise DatasetError(
            f"{path} of {where} was never made or fetched: DVC recorded no hash. Run dvc repro or "
            "dvc update there and commit the result."
        )
    md5 = recorded.removesuffix(_DIRECTORY)
    if hash_name not in ("md5", LEGACY) or not is_md5(md5):
        raise DatasetError(
            f"{path} of {where} is recorded by {hash_name} {recorded!r}; only MD5 is read. Add it "
            "again with dvc add, without a version_aware remote."
        )
    return DvcOutput(path, md5, recorded.endswith(_DIRECTORY), hash_name == LEGACY, remote)


@dataclass(frozen=True)
class AddedFolder:
    """What ``dvc add`` recorded of a folder.

    Attributes:
      dvc_file: the file that git is to track.
      dir_hash: MD5 of the list of its files, as the file has it.
      n_files: how many files it holds.
      is_legacy: as in :class:`DvcOutput`.
    """

    dvc_file: Path
    dir_hash: str
    n_files: int
    is_legacy: bool


@dataclass(frozen=True, slots=True)
class TrackedFile:
    """A file of a revision.

    Attributes:
      path: from the resolved folder.
      md5: what DVC recorded; empty for a file that git keeps.
      blob: git's object; empty for a file that DVC keeps.
      is_legacy: as in :class:`DvcOutput`.
      remote: as in :class:`DvcOutput`.
    """

    path: str
    md5: str = ""
    blob: str = ""
    is_legacy: bool = False
    remote: str | None = None


@dataclass(frozen=True)
class Selection:
    """The part of a repository that a dataset section asks for.

    Attributes:
      below: the folder, from the root of the git repository; empty for all of it.
      only_dvc: whether files that git keeps are left out.
    """

    below: str
    only_dvc: bool

    def outputs(self, tracked: Iterable[DvcOutput]) -> list[DvcOutput]:
        """Returns the outputs in the folder, and the one that the folder is a part of."""
        return [
            output
            for output in tracked
            if _is_below(output.path, self.below)
            or (output.is_directory and _is_below(self.below, output.path))
        ]

    def dvc_files(self, output: DvcOutput, manifest: bytes | None) -> list[TrackedFile]:
        """Returns an output's files in the folder, by their paths from the repository's root.

        Raises:
          DatasetError: the list names a path that leads out, or is none.
        """
        kept = {"is_legacy": output.is_legacy, "remote": output.remote}
        if manifest is None:
            return [TrackedFile(output.path, output.md5, **kept)]  # type: ignore[arg-type]
        return [
            TrackedFile(path, md5, **kept)  # type: ignore[arg-type]
            for relative, md5 in read_manifest(manifest, output.path)
            if _is_below(path := f"{output.path}/{relative}", self.below)
        ]

    def git_files(self, tracked: Iterable[GitFile]) -> list[TrackedFile]:
        """Returns the files that git keeps in the folder, without git's and DVC's own."""
        return [
            TrackedFile(file.path, blob=file.blob)
            for file in tracked
            if not self.only_dvc and not is_housekeeping(file.path)
        ]

    def top(self, files: Sequence[TrackedFile], outputs: Sequence[DvcOutput]) -> str:
        """Returns the folder whose content the dataset is.

        At the repository's root, a single tracked folder is meant itself: its name is no class.
        """
        if not self.only_dvc or len({_first(file.path) for file in files}) != 1:
            return self.below
        first = _first(files[0].path)
        is_file = any(output.path == first and not output.is_directory for output in outputs)
        return self.below if is_file else first


def is_housekeeping(path: str) -> bool:
    """Whether a file is git's or DVC's own and no part of a dataset."""
    name = PurePosixPath(path).name
    return name in _HOUSEKEEPING or name.endswith(".dvc") or _first(path) == ".dvc"


def relative_to(files: Sequence[TrackedFile], top: str) -> list[TrackedFile]:
    """Returns the files by their paths from ``top``.

    Raises:
      DatasetError: two of them cannot lie in one folder, or one leads out of it.
    """
    start = len(top) + 1 if top else 0
    found: dict[str, TrackedFile] = {}
    for file in files:
        path = file.path[start:]
        check_path(path, file.path)
        found[path] = TrackedFile(path, file.md5, file.blob, file.is_legacy, file.remote)
    folders = {str(parent) for path in found for parent in PurePosixPath(path).parents}
    clashes = sorted(folders & set(found))
    if clashes or len(found) < len(files):
        named = ", ".join(clashes[:_MOST_NAMES]) or "two files of one path"
        raise DatasetError(f"{top or 'The repository'} tracks a path twice: {named}.")
    return [found[path] for path in sorted(found)]


def read_manifest(data: bytes, where: str) -> list[tuple[str, str]]:
    """Returns (path, MD5) of each file that DVC's list of a folder names.

    Raises:
      DatasetError: it is no such list, or a path leads out of the folder.
    """
    try:
        rows = json.loads(data)
        files = [(row["relpath"], row["md5"]) for row in rows]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DatasetError(
            f"DVC's list of the files of {where} cannot be read: {error!r}"
        ) from error
    for path, md5 in files:
        check_path(path, where)
        if not isinstance(md5, str) or not is_md5(md5):
            raise DatasetError(
                f"DVC's list of the files of {where} gives {path!r} the MD5 {md5!r}."
            )
    return files


def check_path(path: object, where: str) -> None:
    """Refuses a path that is no plain relative one.

    Raises:
      DatasetError: it is absolute, empty, or leads out of the folder.
    """
    if isinstance(path, str) and "\0" not in path:
        parts = path.split("/")
        if all(part not in ("", ".", "..") for part in parts):
            return
    raise DatasetError(
        f"The file {path!r} of {where} leads out of the dataset; such a revision is not fetched."
    )


def dir_hash_of(outputs: Sequence[DvcOutput]) -> str:
    """Returns the MD5s of the lists of the tracked folders as DVC writes them, joined by commas."""
    return ",".join(sorted({output.object_name for output in outputs if output.is_directory}))


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _first(path: str) -> str:
    return path.split("/", 1)[0]
