"""Makes a dataset revision out of a folder: ``dvc add``, a git commit of just that, and a tag."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from steps.revisions.dvc_repository import add_folder, push_file, read_config
from steps.revisions.files import AddedFolder, read_manifest
from steps.revisions.git import dvc_root, first_line, git_output, run_git
from steps.revisions.objects import is_right, replace_entry
from steps.revisions.remote import cache_folder, default_remote, object_path
from vision.datasets.passes import map_images
from vision.environment import prepare
from vision.errors import DatasetError
from vision.wording import count


@dataclass(frozen=True)
class CommittedRevision:
    """A revision that was made.

    Attributes:
      commit: hex digits of the new commit.
      tag: its tag, None without one.
      dir_hash: MD5 of DVC's list of the files, as in the ``.dvc`` file.
      n_files: how many files the folder holds.
      pushed_to: name and address of the remote that got the files; empty where none did.
    """

    commit: str
    tag: str | None
    dir_hash: str
    n_files: int
    pushed_to: str

    @property
    def summary(self) -> str:
        """A few lines for a person."""
        tag = f", tag {self.tag}" if self.tag else ", without a tag"
        where = f"pushed to {self.pushed_to}" if self.pushed_to else "not pushed; run dvc push"
        return f"{count(self.n_files, 'file')} committed as {self.commit}{tag}\n{where}"


def commit_revision(folder: Path, message: str, tag: str | None, push: bool) -> CommittedRevision:
    """Records a folder as it is now as a new revision of its repository.

    The commit holds the folder's ``.dvc`` file and, where DVC added the folder to it, the
    ``.gitignore`` beside it. Whatever else is staged or changed in the checkout stays so.

    Args:
      folder: the images, in a workspace of git and DVC.
      message: the commit's message.
      tag: a name for the revision.
      push: whether the files go to the default DVC remote; git's own push is left to the user.

    Raises:
      DatasetError: it cannot be done; the message says how far it came. No file is lost.
    """
    prepare()
    place = folder.expanduser().absolute()
    place = place.parent.resolve() / place.name
    root = _check(place, message, tag, push)
    added = add_folder(root, place)
    paths = _changed_paths(place, added)
    if not paths:
        name_it = f" To name that one, run git tag {tag}." if tag else ""
        raise DatasetError(f"Nothing in {place} has changed since the last commit.{name_it}")
    _mend_cache(root, place, added)
    commit = _commit(place, message, paths)
    if tag is not None:
        _tag(place, tag, commit, message)
    return CommittedRevision(
        commit, tag, added.dir_hash, added.n_files, _push(root, added, commit) if push else ""
    )


def _check(place: Path, message: str, tag: str | None, push: bool) -> Path:
    """Refuses whatever can be known before anything is done; returns the workspace of DVC."""
    if not message.strip():
        raise DatasetError("The message is empty; say in a few words what is new.")
    if set(place.name) & set("\n\r"):
        raise DatasetError(
            f"The name {place.name!r} has a line break, which .gitignore cannot hold; rename the "
            "folder."
        )
    if place.is_symlink() or not place.is_dir():
        raise DatasetError(f"{place} is no folder; give the folder of images.")
    top = git_output(place, "rev-parse", "--show-toplevel")
    if top is None:
        raise DatasetError(f"{place} is in no git repository; run git init and dvc init above it.")
    root = dvc_root(place.parent)
    if root is None or not root.is_relative_to(Path(top).resolve()):
        raise DatasetError(f"{top} has no DVC; run dvc init there.")
    if git_output(place, "ls-files", "--", "."):
        raise DatasetError(
            f"git tracks files in {place}; run git rm -r --cached {place} first, which keeps the "
            "files."
        )
    if run_git(place, "var", "GIT_COMMITTER_IDENT").returncode != 0:
        raise DatasetError(
            "git does not know who you are; run git config user.name NAME and git config "
            "user.email ADDRESS."
        )
    _check_name(place, tag)
    _check_files(place, (place, root / ".dvc", cache_folder(root, read_config(root))))
    if push and default_remote(read_config(root)) is None:
        raise DatasetError(
            f"{root} has no default DVC remote to push to; run dvc remote add -d NAME URL."
        )
    return root


def _check_name(place: Path, tag: str | None) -> None:
    """Refuses a tag that cannot be made, and a commit that no name would lead to."""
    if tag is None:
        if git_output(place, "symbolic-ref", "--quiet", "HEAD") is None:
            raise DatasetError(
                f"{place} is at a detached HEAD, so no branch would hold the commit; give it a "
                "tag (--tag), or switch to a branch first: git switch NAME."
            )
        return
    is_name = run_git(place, "check-ref-format", f"refs/tags/{tag}").returncode == 0
    if tag.startswith("-") or not is_name:
        raise DatasetError(
            f"git takes no tag of the name {tag!r}; use letters, digits, dots, dashes."
        )
    known = git_output(place, "rev-parse", "--verify", "--quiet", f"refs/tags/{tag}^{{commit}}")
    if known is not None:
        raise DatasetError(f"The tag {tag} exists already, at {known[:8]}; choose another one.")


def _check_files(place: Path, may_lead_to: tuple[Path, ...]) -> None:
    """Refuses what ``dvc add`` would wait for or would publish from elsewhere on this machine."""
    allowed = [folder.resolve() for folder in may_lead_to]
    n_files = 0
    for above, _, names in os.walk(place):
        for path in (Path(above, name) for name in names):
            n_files += 1
            leads_out = path.is_symlink() and not any(map(path.resolve().is_relative_to, allowed))
            if leads_out or not path.is_file():
                kind = "a link that leads out of the folder" if leads_out else "no plain file"
                raise DatasetError(f"{path} is {kind}; remove it, then commit again.")
    if not n_files:
        raise DatasetError(f"{place} has no files; there is nothing to commit.")


def _changed_paths(place: Path, added: AddedFolder) -> list[str]:
    """Returns the ``.dvc`` file, and ``.gitignore`` where the last commit lacks the folder."""
    here = place.parent
    changed = git_output(here, "status", "--porcelain", "--", added.dvc_file.name)
    paths = [added.dvc_file.name] if changed else []
    # As DVC writes it, with the special signs of .gitignore escaped.
    line = "/" + re.sub(r"([][!*#?\\])", r"\\\1", place.name)
    ignored = here / ".gitignore"
    now = ignored.read_text("utf-8", "surrogateescape") if ignored.exists() else ""
    if line in now.split("\n") and line not in _committed(ignored).split("\n"):
        paths.append(ignored.name)
    return paths


def _committed(file: Path) -> str:
    shown = run_git(file.parent, "show", f"HEAD:./{file.name}")
    return shown.stdout if shown.returncode == 0 else ""


def _mend_cache(root: Path, place: Path, added: AddedFolder) -> None:
    """Replaces damaged entries of DVC's cache, which ``dvc add`` and ``dvc push`` take as they are.

    Raises:
      DatasetError: the list of the files itself is damaged.
    """
    cache = cache_folder(root, read_config(root))
    listing = cache / object_path(added.dir_hash, added.is_legacy)
    if not is_right(listing, added.dir_hash.removesuffix(".dir")):
        raise DatasetError(
            f"{listing} in DVC's cache is damaged; remove it and commit again. The files are as "
            "they were."
        )

    def mend(file: tuple[str, str]) -> None:
        path, md5 = file
        entry = cache / object_path(md5, added.is_legacy)
        if entry.exists() and not is_right(entry, md5) and is_right(place / path, md5):
            replace_entry(entry, place / path)

    files = read_manifest(listing.read_bytes(), str(place))
    for _ in map_images(mend, files, "checking DVC's cache"):
        pass


def _commit(place: Path, message: str, paths: list[str]) -> str:
    here = place.parent
    for command in (
        ("add", "--force", "--", *paths),
        ("commit", "--quiet", "--only", f"--message={message}", "--", *paths),
    ):
        done = run_git(here, *command, locks=True)
        if done.returncode != 0:
            raise DatasetError(
                f"dvc add of {place} is done, git {command[0]} of {' and '.join(paths)} failed: "
                f"{first_line(done.stderr or done.stdout)}. The files are as they were; put that "
                "right and commit again."
            )
    commit = git_output(here, "rev-parse", "HEAD")
    assert commit is not None
    return commit


def _tag(place: Path, tag: str, commit: str, message: str) -> None:
    done = run_git(
        place, "tag", "--annotate", f"--message={message}", "--", tag, commit, locks=True
    )
    if done.returncode != 0:
        raise DatasetError(
            f"{place} is committed as {commit[:8]}, the tag failed: {first_line(done.stderr)}. Run "
            f"git tag {tag} {commit[:8]}."
        )


def _push(root: Path, added: AddedFolder, commit: str) -> str:
    try:
        return push_file(root, added.dvc_file)
    except DatasetError as error:
        raise DatasetError(
            f"The revision is committed as {commit[:8]}, its files are not pushed: {error} Then "
            f"run dvc push {added.dvc_file}."
        ) from error
