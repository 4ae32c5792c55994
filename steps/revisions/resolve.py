"""Dataset revisions: a tag, branch or commit of a repository with DVC becomes a folder.

The revision is resolved to a commit before anything else is read, and everything is read at that
commit, into folders of the project's own:

- ``home()/datasets/objects/`` holds each file once, by MD5, for all revisions and all runs;
- ``home()/datasets/dvc/<commit>/<name>/`` is one part of one commit, hard links into the objects.

The user's checkout, its index and its ``.dvc`` are only read, so local changes are safe, and any
number of runs may read any revisions at once. Every file is compared with the MD5 that DVC
recorded when it enters and whenever the revision is resolved: a disk that flips a bit changes
neither length nor time.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

from steps.revisions.contents import open_revision
from steps.revisions.folder import Record
from steps.revisions.git import without_credentials
from vision.config import DatasetConfig
from vision.errors import DatasetError

_MOST_NAMES = 5
_LISTS_IMAGES = (".csv", ".json", ".parquet")


@dataclass(frozen=True)
class ResolvedDataset:
    """A dataset revision as a folder.

    Attributes:
      folder: the dataset's files at ``commit``, read-only; nothing else writes there.
      commit: hex digits of the git commit that the revision named.
      original: the configuration that asked for it.
      dir_hash: MD5 of DVC's list of the files, ending in ``.dir`` as in the ``.dvc`` file; of
        several tracked folders joined by commas; empty where DVC tracks single files only.
      n_files: how many files the folder holds, images or not.
      remote: name and address of the default DVC remote without credentials, empty without one.
    """

    folder: Path
    commit: str
    original: DatasetConfig
    dir_hash: str
    n_files: int
    remote: str

    @property
    def config(self) -> DatasetConfig:
        """The configuration that reads the folder, for ``load_annotations``."""
        listed = self.original.annotations
        changes = {
            "source": "table" if listed else "folder",
            "path": str(self.folder / listed if listed else self.folder),
            "annotations": None,
            "revision": None,
            "subfolder": ".",
        }
        return DatasetConfig.model_validate({**self.original.model_dump(), **changes})

    @property
    def source(self) -> dict[str, str]:
        """Where the images come from, for the annotation table."""
        return {
            "kind": "dvc",
            "path": without_credentials(str(self.original.path)),
            "subfolder": self.original.subfolder,
            "revision": str(self.original.revision),
            "commit": self.commit,
            "dir_hash": self.dir_hash,
            "n_files": str(self.n_files),
            "remote": self.remote,
        }


def resolve_revision(
    dataset: DatasetConfig, commit: str | None = None, *, verify: bool = True
) -> ResolvedDataset:
    """Resolves a revision and fetches the files that it tracks, unless they are here already.

    Files come from DVC's cache beside the user's checkout where they are there and right, else
    from the DVC remote. A file of the folder that was damaged since is made again.

    Args:
      dataset: a section with source ``dvc``.
      commit: the commit to read, where the revision was resolved before and may have moved since.
      verify: whether every file is read again; without it only those whose length or time of
        change are not what they were, for a second look at what was just verified.

    Raises:
      DatasetError: no repository, no such revision, a remote that does not answer, or files that
        are missing or damaged wherever they could be.
    """
    revision = open_revision(dataset, commit)
    with revision.writing():
        record = revision.settled(verify)
    if dataset.annotations:
        _check_listed(dataset.annotations, record, revision.where)
    return ResolvedDataset(
        revision.folder.path,
        record.commit,
        dataset,
        record.dir_hash,
        len(record.files),
        record.remote,
    )


def _check_listed(annotations: str, record: Record, where: str) -> None:
    """Refuses a list of images that is no file of the revision, with what it may have meant."""
    name = str(PurePosixPath(annotations))
    if name in record.files:
        return
    lists = [path for path in record.files if path.endswith(_LISTS_IMAGES)]
    near = get_close_matches(name, lists, _MOST_NAMES, cutoff=0.0)
    known = f"it has {', '.join(near)}" if near else "it has no .csv, .json or .parquet file"
    raise DatasetError(f"{where} has no file {annotations!r}; {known}. Set dataset.annotations.")
