"""A DVC remote as a store of objects: local folder, S3, SSH or whatever else DVC knows."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath
from typing import Any

from steps.revisions.git import first_line, without_credentials
from vision.errors import DatasetError

# Stock DVC waits half an hour for an SSH host that does not answer.
_CONNECTS_WITHIN_S = 20


class RemoteError(DatasetError):
    """A DVC remote that cannot be reached or refuses access; asking again would not help."""


def object_path(name: str, is_legacy: bool) -> PurePosixPath:
    """Returns where an object lies in a cache or remote; DVC 3 keeps its own apart.

    Args:
      name: its MD5, with ``.dir`` for the list of a folder's files.
      is_legacy: whether DVC 2 named it.
    """
    return PurePosixPath(*(() if is_legacy else ("files", "md5")), name[:2], name[2:])


class DvcRemote:
    """One remote; its methods may be called from several threads at once.

    Attributes:
      title: name and address, without credentials.
      down: what its client raises when the server is down or refuses.
    """

    def __init__(
        self,
        title: str,
        files: Any,
        path: str,
        down: tuple[type[Exception], ...],
        refusals: tuple[type[Exception], ...],
    ) -> None:
        """Takes a file system of DVC; nothing is asked of the server yet.

        Args:
          title: name and address, without credentials.
          files: DVC's file system.
          path: the remote's folder in it.
          down: what its client raises when the server is down or refuses.
          refusals: what DVC raises itself.
        """
        self.title = title
        self.down = down
        self._files = files
        self._path = path
        self._errors = (*down, *refusals)

    def fetch(self, name: str, is_legacy: bool, target: Path) -> bool:
        """Writes an object to ``target``; False where the remote does not have it.

        Raises:
          RemoteError: it cannot be reached or refuses access.
        """
        path = self._files.join(self._path, *object_path(name, is_legacy).parts)
        try:
            self._files.get_file(path, str(target))
        except FileNotFoundError:
            return False
        except self._errors as error:
            raise remote_error(self.title, error) from error
        return True

    def address(self, name: str, is_legacy: bool) -> str:
        """Returns where an object lies, without credentials."""
        path = self._files.join(self._path, *object_path(name, is_legacy).parts)
        return without_credentials(str(self._files.unstrip_protocol(path)))

    def exists(self) -> bool:
        """Whether there is anything at its address.

        Raises:
          RemoteError: it cannot be reached or refuses access.
        """
        try:
            return bool(self._files.exists(self._path))
        except self._errors as error:
            raise remote_error(self.title, error) from error


def client_errors(protocol: str) -> tuple[type[Exception], ...]:
    """Returns what the client of a protocol raises when its server is down or refuses."""
    if protocol == "s3":
        from botocore.exceptions import BotoCoreError, ClientError

        return (OSError, BotoCoreError, ClientError)
    if protocol == "ssh":
        from asyncssh import Error

        return (OSError, Error)
    if protocol in ("http", "https", "webdav", "webdavs"):
        from aiohttp import ClientError as HttpError

        return (OSError, HttpError)
    return (OSError,)


def client_options(protocol: str) -> dict[str, Any]:
    """Returns options for the client of a protocol that the DVC configuration may override."""
    if protocol == "s3":
        return {"connect_timeout": _CONNECTS_WITHIN_S}
    if protocol != "ssh":
        return {}
    options: dict[str, Any] = {"timeout": _CONNECTS_WITHIN_S}
    if not sys.stdin.isatty():
        from asyncssh import SSHClient

        # DVC's own client asks for the passphrase of a key, and a pipeline would wait for ever.
        options["client_factory"] = SSHClient
    return options


def remote_error(title: str, error: Exception) -> RemoteError:
    """Returns an error of a remote's client as a sentence with the next move."""
    kind = type(error).__name__
    reason = without_credentials(first_line(str(error) or kind))
    if "MissingDeps" in kind:
        return RemoteError(f"The DVC remote {title} needs a package: {reason}.")
    if "Permission" in kind or "Credential" in kind or "Auth" in kind:
        return RemoteError(
            f"The DVC remote {title} refuses access ({reason}). Set its credentials with dvc "
            "remote modify --local, or in the environment."
        )
    return RemoteError(
        f"The DVC remote {title} cannot be reached ({reason}). Check its address with dvc remote "
        "list, and that it is up."
    )


def relative_remote(name: str, repository: str) -> DatasetError:
    """Returns the error for a remote whose address is relative in a repository without checkout."""
    return DatasetError(
        f"The DVC remote {name} of {repository} has a relative path for its address, which leads "
        "somewhere only from a checkout. Set dataset.path to a checkout on this machine, or give "
        f"the remote an address of its own: dvc remote modify {name} url ADDRESS, then commit that."
    )


def default_remote(config: Any) -> str | None:
    """Returns the name of the default remote of a DVC configuration, else of the only one."""
    known = config["remote"]
    only = next(iter(known)) if len(known) == 1 else None
    name = config["core"].get("remote") or only
    return str(name) if name else None


def remote_title(config: Any, name: str) -> str:
    """Returns name and address of a remote, without credentials."""
    address = config["remote"].get(name.lower(), {}).get("url", "")
    return f"{name} {without_credentials(str(address))}".rstrip()


def cache_folder(root: Path, config: Any) -> Path:
    """Returns the local cache of the workspace ``root`` by its DVC configuration."""
    named = config["cache"].get("dir")
    return Path(named) if named else root / ".dvc" / "cache"
