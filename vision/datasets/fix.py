"""Mends a dataset by moving files away, never by deleting them, and moves them back.

Files go to ``<root>.quarantine/<UTC time>/<their path>`` beside the root, with a report for people
(``fix.md``) and one for programs (``fix.json``). The report is written before anything is moved,
and a table loses its rows before its files go: whoever is killed on the way can start again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from vision.datasets.drop_rows import replace_file, without_rows
from vision.datasets.plan_fix import FixPlan, plan_fix, sha256_of, why_left
from vision.datasets.read_table import SUFFIXES
from vision.errors import DatasetError
from vision.wording import count, one_line

__all__ = ["FixPlan", "apply_fix", "plan_fix", "restore_fix"]

_SUFFIX = ".quarantine"
_REPORT, _PAGE = "fix.json", "fix.md"


def apply_fix(plan: FixPlan) -> Path:
    """Does what was planned, as far as each file still is what it was then.

    Args:
      plan: of :func:`plan_fix`.

    Returns:
      the report, ``fix.md``; its folder is what :func:`restore_fix` takes.

    Raises:
      DatasetError: the folder beside the root, or the table, cannot be written.
    """
    folder = _new_folder(plan.root)
    outcomes = {move.path: _verdict(plan.root, move.path, move.sha256) for move in plan.moves}
    to_move = [path for path, outcome in outcomes.items() if outcome == "moved"]
    old_table = plan.table_file.read_bytes() if plan.table_file and to_move else b""
    about: dict[str, Any] = {"table": None}
    if plan.table_file and to_move:
        new_table = without_rows(plan.table_file, frozenset(to_move), plan.root)
        about["table"] = {
            "path": Path(os.path.relpath(plan.table_file, plan.root)).as_posix(),
            "copy": plan.table_file.name,
            "sha256_after": hashlib.sha256(new_table).hexdigest(),
        }
        _write(folder / plan.table_file.name, old_table)
    _write_report(folder, plan, about, outcomes)
    if plan.table_file and to_move:
        replace_file(plan.table_file, new_table)
    for path in to_move:
        outcomes[path] = _move(plan.root / path, folder / path)
    return _write_report(folder, plan, about, outcomes)


def restore_fix(folder: Path) -> str:
    """Moves what :func:`apply_fix` moved back to where it was, and the table's rows too.

    Nothing is overwritten: a file stays in quarantine where its place is taken, and the table
    stays as it is where it was changed since.

    Args:
      folder: the one with ``fix.json``.

    Returns:
      what was done, for people to read.

    Raises:
      DatasetError: ``folder`` is none that :func:`apply_fix` wrote.
    """
    folder = folder.resolve()
    root = folder.parent.with_name(folder.parent.name.removesuffix(_SUFFIX))
    about = _read_report(folder, root)
    left: list[str] = []
    n_restored = 0
    for move in about["moves"]:
        path = _checked(move["path"], folder)
        if not (folder / path).is_file():
            continue
        problem = _put_back(folder, root, path, move["sha256"])
        n_restored += not problem
        left += [f"{path}: {problem}"] if problem else []
    if about["table"]:
        left += _put_table_back(folder, root, about["table"])
    lines = [f"{count(n_restored, 'file')} moved back to {root}"]
    return "\n".join([*lines, *(f"left alone: {one_line(line)}" for line in left)])


def _verdict(root: Path, path: str, sha256: str) -> str:
    if path in (_REPORT, _PAGE):
        return "left: the report has its name"
    if why := why_left(root, path):
        return f"left: {why}"
    try:
        is_same = sha256_of(root, path) == sha256
    except OSError as error:
        return f"left: {error.strerror or error}"
    return "moved" if is_same else "left: changed since the plan was made"


def _new_folder(root: Path) -> Path:
    above = root.with_name(root.name + _SUFFIX)
    try:
        above.mkdir(exist_ok=True)
        if above.is_symlink():
            raise DatasetError(f"{above} is a link; remove it, files are moved beside {root} only.")
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        taken = sum(1 for entry in above.iterdir() if entry.name.startswith(name))
        folder = above / (f"{name}-{taken + 1}" if taken else name)
        folder.mkdir()
    except OSError as error:
        raise DatasetError(
            f"{above} cannot be made ({error.strerror}); give the right to write beside {root}."
        ) from error
    return folder


def _move(file: Path, target: Path) -> str:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # To another disk it is copied first and removed then.
        shutil.move(file, target)
    except OSError as error:
        return f"left: {error.strerror or error}"
    return "moved"


def _write_report(
    folder: Path, plan: FixPlan, about: Mapping[str, Any], outcomes: Mapping[str, str]
) -> Path:
    moves = [
        {
            "path": move.path,
            "check": move.check,
            "why": move.why,
            "sha256": move.sha256,
            "outcome": outcomes[move.path],
        }
        for move in plan.moves
    ]
    content = {**about, "moves": moves, "undecided": plan.undecided, "left": plan.left}
    _write(folder / _REPORT, json.dumps(content, indent=2).encode())
    lines = [
        f"# What was moved out of {plan.root}",
        "",
        f"To undo it: `python run.py data restore {folder}`",
        "",
        *(f"- {one_line(_in_words(move))}" for move in moves),
    ]
    if about["table"]:
        lines += ["", f"{plan.table_file} lost the rows of what was moved; the old one is here."]
    if plan.undecided:
        lines += ["", "## Equal images with different labels: to be decided", ""]
        lines += [f"- {one_line(sentence)}" for sentence in plan.undecided]
    if plan.left:
        lines += [
            "",
            "## Left alone",
            "",
            *(f"- {one_line(f'{path}: {why}')}" for path, why in plan.left),
        ]
    _write(folder / _PAGE, "\n".join([*lines, ""]).encode())
    return folder / _PAGE


def _in_words(move: Mapping[str, str]) -> str:
    return (
        f"{move['outcome']}: {move['path']}: {move['why']} ({move['check']}, "
        f"sha256 {move['sha256']})"
    )


def _write(file: Path, content: bytes) -> None:
    """Writes a file whole, on disk before it has its name: a report must outlive a crash."""
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _read_report(folder: Path, root: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / _REPORT).read_bytes())
        moves, table = content["moves"], content["table"]
        named = [(str(move["path"]), str(move["sha256"])) for move in moves]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f"{folder} holds no {_REPORT} that can be read; give a folder that data fix wrote."
        ) from error
    if not folder.parent.name.endswith(_SUFFIX) or not root.is_dir():
        raise DatasetError(f"{folder} does not lie beside its dataset; {root} is no folder.")
    return {"moves": [{"path": path, "sha256": sha} for path, sha in named], "table": table}


def _checked(path: str, folder: Path) -> str:
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/"):
        raise DatasetError(f"{folder / _REPORT} names {path!r}, which is no path of a dataset.")
    return path


def _put_back(folder: Path, root: Path, path: str, sha256: str) -> str:
    """Moves a file back to its place and returns nothing, or why it was not."""
    target = root / path
    if os.path.lexists(target):
        return "there is another file in its place"
    try:
        if sha256_of(folder, path) != sha256:
            return "changed since it was moved"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(root.resolve()):
            return "its folder leads outside the dataset"
        shutil.move(folder / path, target)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _put_table_back(folder: Path, root: Path, table: Mapping[str, Any]) -> list[str]:
    file, copy = root / str(table["path"]), folder / Path(str(table["copy"])).name
    if file.suffix.lower() not in SUFFIXES or not copy.is_file():
        return []
    try:
        now = hashlib.sha256(file.read_bytes()).hexdigest()
        if now == table["sha256_after"]:
            replace_file(file, copy.read_bytes())
            return []
    except OSError as error:
        return [f"{file}: {error.strerror or error}"]
    if now == hashlib.sha256(copy.read_bytes()).hexdigest():
        return []
    return [f"{file}: changed since; its old rows are in {copy}"]
