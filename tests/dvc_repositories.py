"""Real repositories with git and DVC, made on the spot, and the ways to damage them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpus import class_folders, encode, picture
from vision.config import DatasetConfig

_IDENTITY = {
    "GIT_AUTHOR_NAME": "Tester",
    "GIT_AUTHOR_EMAIL": "tester@example.org",
    "GIT_COMMITTER_NAME": "Tester",
    "GIT_COMMITTER_EMAIL": "tester@example.org",
}


def git(place: Path, *arguments: str) -> str:
    """Runs git as a tester with a name and returns what it prints."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=place,
        env={**os.environ, **_IDENTITY},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@dataclass(frozen=True)
class Workspace:
    """A checkout with DVC.

    Attributes:
      root: its top.
      store: the folder that is its default remote, where it has that.
    """

    root: Path
    store: Path

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def configure(self, section: str, **options: str) -> None:
        """Appends a section to the configuration that git tracks."""
        lines = [section, *(f"    {name} = {value}" for name, value in options.items()), ""]
        with (self.root / ".dvc" / "config").open("a") as config:
            config.write("\n".join(lines))

    def add(self, *targets: str) -> None:
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            repo.scm_context.quiet = True
            repo.add([str(self.root / target) for target in targets])

    def push(self) -> None:
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            repo.push()

    def commit(self, tag: str) -> str:
        """Commits all that git sees and returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def section(self, revision: str, **changes: Any) -> DatasetConfig:
        """Returns the dataset section that reads ``images`` at a revision."""
        named = {"path": str(self.root), "subfolder": "images", "revision": revision, **changes}
        return DatasetConfig(source="dvc", **named)

    def entry(self, path: str) -> Path:
        """Returns the entry of DVC's cache that holds a file of the workspace as it is now."""
        return self.cached(_md5(self.root / path))

    def cached(self, md5: str) -> Path:
        return self.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]

    def pushed(self, path: str) -> Path:
        """Returns the file of the remote that holds a file of the workspace as it is now."""
        md5 = _md5(self.root / path)
        return self.store / "files" / "md5" / md5[:2] / md5[2:]


def _md5(path: Path) -> str:
    import hashlib

    return hashlib.md5(path.read_bytes()).hexdigest()


def make_workspace(place: Path, remote: str | None = None) -> Workspace:
    """Makes an empty repository with DVC.

    Args:
      place: the folder to make it in.
      remote: the address of its default remote; a folder beside it where None, none where empty.
    """
    from dvc.repo import Repo

    made = Workspace(place / "repository", place / "store")
    made.root.mkdir(parents=True)
    made.git("init", "--quiet", "--initial-branch=main")
    Repo.init(str(made.root)).close()
    address = str(made.store) if remote is None else remote
    # DVC's state otherwise lies under /var/tmp, for all repositories of the machine.
    core = {"site_cache_dir": str(place / "site")}
    made.configure("[core]", **core, **({"remote": "store"} if address else {}))
    if address:
        made.configure("['remote \"store\"']", url=address)
    return made


def make_versions(place: Path) -> tuple[Workspace, dict[str, str]]:
    """Makes v1 (12 images of each of two classes) and v2 (one more), pushed to a folder."""
    made = make_workspace(place)
    class_folders(made.root / "images")
    made.add("images")
    made.push()
    commits = {"v1": made.commit("v1")}
    (made.root / "images" / "dog" / "new.png").write_bytes(encode(picture(500), "PNG"))
    made.add("images")
    made.push()
    commits["v2"] = made.commit("v2")
    return made, commits


def copy_workspace(made: Workspace, place: Path) -> Workspace:
    """Copies a workspace and its remote for a test that may damage them; faster than making one.

    The copy's own configuration, which git ignores, leads to its own remote.
    """
    shutil.copytree(made.root.parent, place, symlinks=True)
    copied = Workspace(place / made.root.name, place / made.store.name)
    core = f"[core]\n    site_cache_dir = {place / 'site'}\n"
    remote = f"['remote \"store\"']\n    url = {copied.store}\n"
    (copied.root / ".dvc" / "config.local").write_text(core + remote)
    return copied


def flip_bit(path: Path) -> None:
    """Flips the last bit of a file in place, whatever its permissions and links."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def state_of(root: Path) -> dict[str, tuple[object, ...]]:
    """Returns bytes, permissions, inode and times of change of everything below a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        data = path.read_bytes() if path.is_file() else b""
        times = (info.st_mtime_ns, info.st_ctime_ns)
        found[str(path.relative_to(root))] = (data, info.st_mode, info.st_ino, *times)
    return found
