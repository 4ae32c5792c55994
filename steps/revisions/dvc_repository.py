"""The only door to DVC: what a commit tracks, where its objects are, and adding a folder.

Objects are read as files, since DVC hands out a damaged cache entry without a word. Opening a
commit only reads, git's objects and the configuration. DVC is imported where it is first needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any

from steps.revisions.files import LEGACY, AddedFolder, DvcOutput, recorded_output
from steps.revisions.git import (
    GitRepository,
    dvc_root,
    first_line,
    git_output,
    no_dvc,
    without_credentials,
)
from steps.revisions.remote import (
    DvcRemote,
    cache_folder,
    client_errors,
    client_options,
    default_remote,
    relative_remote,
    remote_error,
    remote_title,
)
from vision.environment import prepare
from vision.errors import DatasetError

if TYPE_CHECKING:
    from dvc.repo import Repo


class DvcRevision:
    """A commit of a repository as DVC sees it.

    Attributes:
      git: the repository.
      commit: 40 hex digits.
      subfolder: what is asked for of it, for messages.
      where: repository and commit in a few words, for messages.
    """

    def __init__(self, git: GitRepository, commit: str, subfolder: str = "") -> None:
        self.git = git
        self.commit = commit
        self.subfolder = subfolder
        self.where = f"{git.shown} at {commit[:8]}"
        self._remotes: dict[str, DvcRemote] = {}
        self._opening = Lock()

    @cached_property
    def outputs(self) -> tuple[DvcOutput, ...]:
        """What DVC tracks inside the repository.

        Raises:
          DatasetError: no DVC at that commit, or its files there cannot be read.
        """
        with _translated(f"DVC cannot read {self.where}"):
            below = PurePosixPath(self._repo.root_dir.lstrip("/"))
            tracked = [out for out in self._repo.index.outs if out.use_cache and out.is_in_repo]
            return tuple(self._output(out, below) for out in tracked)

    def _output(self, out: Any, below: PurePosixPath) -> DvcOutput:
        path = str(below.joinpath(*out.index_key[1]))
        name = "version-aware list" if out.files else out.hash_name
        return recorded_output(path, name, str(out.hash_info.value or ""), out.remote, self.where)

    @cached_property
    def cache(self) -> Path | None:
        """The local cache of the user's repository, None where there is none."""
        return None if self._checkout is None else cache_folder(self._checkout, self._config)

    def remote(self, name: str | None = None) -> DvcRemote | None:
        """Returns a remote: the named one, else the default, else the only one there is.

        Raises:
          DatasetError: it is not configured, needs a package, or is a relative path of a clone.
        """
        if (chosen := name or default_remote(self._config)) is None:
            return None
        if self._is_relative(chosen):
            raise relative_remote(chosen, self.git.shown)
        with self._opening, _translated(f"A DVC remote of {self.git.shown} cannot be used"):
            if chosen not in self._remotes:
                self._remotes[chosen] = _open_remote(self._config, chosen)
            return self._remotes[chosen]

    @cached_property
    def remote_title(self) -> str:
        """Name and address of the default remote without credentials, ``""`` without one."""
        if (name := default_remote(self._config)) is None:
            return ""
        return f"{name} (relative)" if self._is_relative(name) else remote_title(self._config, name)

    def _is_relative(self, name: str) -> bool:
        """Whether a remote has a relative address and no checkout tells what it is relative to."""
        from dvc.config_schema import RelPath

        address = self._config["remote"].get(name.lower(), {}).get("url")
        return self._checkout is None and isinstance(address, RelPath)

    @cached_property
    def _repo(self) -> Repo:
        prepare()
        from dvc.exceptions import NotDvcRepoError
        from dvc.fs import GitFileSystem
        from dvc.repo import Repo
        from dvc.scm import SCM

        scm = SCM(str(self.git.root))
        files = GitFileSystem(scm=scm, rev=self.commit)
        try:
            return Repo(root_dir=f"/{self.git.prefix}", fs=files, scm=scm)
        except NotDvcRepoError as error:
            raise no_dvc(self.git, self.commit, self.where, self.subfolder) from error

    @cached_property
    def _checkout(self) -> Path | None:
        """The folder of the user's checkout that holds ``.dvc``, None where there is none."""
        return None if self.git.is_bare else dvc_root(self.git.root / self.git.prefix)

    @cached_property
    def _config(self) -> Any:
        """The configuration of today, since a remote may have moved after the commit."""
        if self._checkout is not None:
            return read_config(self._checkout)
        head = git_output(self.git.root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        with _translated(f"The DVC configuration of {self.where} cannot be read"):
            if head not in (None, self.commit):
                with suppress(DatasetError):
                    newest = DvcRevision(self.git, str(head))._repo.config
                    if newest["remote"]:
                        return newest
            return self._repo.config


def _refusals() -> tuple[type[Exception], ...]:
    prepare()
    from dvc.exceptions import DvcException
    from dvc_objects.fs.errors import AuthError, ConfigError, RemoteMissingDepsError

    # A kind of remote whose package is not installed is an ImportError, or the last of these.
    return (DvcException, ImportError, AuthError, ConfigError, RemoteMissingDepsError)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turns DVC's own errors into ours."""
    refusals = _refusals()
    try:
        yield
    except refusals as error:
        reason = without_credentials(first_line(str(error)))
        raise DatasetError(f"{what}: {reason.rstrip('.')}.") from error


def read_config(root: Path) -> Any:
    """Returns the DVC configuration of a workspace, which is only read.

    Raises:
      DatasetError: it is broken.
    """
    with _translated(f"The DVC configuration of {root} cannot be read"):
        from dvc.config import Config

        return Config(dvc_dir=str(root / ".dvc"))


def _open_remote(config: Any, name: str) -> DvcRemote:
    from dvc.fs import get_cloud_fs

    kind, options, path = get_cloud_fs(config, name=name)
    files = kind(**{**client_options(kind.protocol), **options})
    down = client_errors(kind.protocol)
    return DvcRemote(remote_title(config, name), files, path, down, _refusals())


def legacy_md5(path: Path) -> str:
    """Returns the MD5 that DVC 2 recorded for a file: of its text with Unix line ends."""
    from dvc_data.hashfile.hash import file_md5

    return str(file_md5(str(path), name=LEGACY))


def walk_workspace(root: Path, folder: Path) -> Iterator[Path]:
    """Yields the files of a folder in a workspace that DVC does not ignore, without reading them.

    Raises:
      DatasetError: a ``.dvcignore`` is broken.
    """
    with _translated(f"DVC cannot list {folder}"):
        from dvc.fs import localfs
        from dvc.ignore import DvcIgnoreFilter

        for above, _, names in DvcIgnoreFilter(localfs, str(root)).walk(localfs, str(folder)):
            yield from (Path(above) / name for name in names)


def add_folder(root: Path, folder: Path) -> AddedFolder:
    """Runs ``dvc add`` on a folder in the workspace ``root``.

    Raises:
      DatasetError: DVC refuses, in its own words.
    """
    with _translated(f"dvc add {folder} failed"):
        from dvc.repo import Repo

        with Repo(str(root)) as repo:
            for out in repo.index.outs:
                if out.is_in_repo and Path(out.fs_path) in folder.parents:
                    raise DatasetError(
                        f"{folder} is a part of {out.fs_path}, which DVC tracks whole; commit that."
                    )
            repo.scm_context.quiet = True  # the caller follows its advice, not a person
            (stage,) = repo.add(str(folder))
            out = stage.outs[0]
            dir_hash, is_legacy = str(out.hash_info.value), out.hash_name == LEGACY
            return AddedFolder(Path(stage.path), dir_hash, int(out.meta.nfiles), is_legacy)


def push_file(root: Path, dvc_file: Path) -> str:
    """Pushes the objects of a ``.dvc`` file; returns the remote's name and address.

    Raises:
      DatasetError: no remote, or it cannot be reached or refuses.
    """
    config = read_config(root)
    name = str(default_remote(config))
    with _translated("dvc push failed"):
        from dvc.repo import Repo

        remote = _open_remote(config, name)
        try:
            with Repo(str(root)) as repo:
                repo.push(targets=[str(dvc_file)], remote=name)
        except remote.down as error:
            raise remote_error(remote.title, error) from error
    return remote.title
