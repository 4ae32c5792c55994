"""Checks that the files a configuration names are there; the only part that looks at the disk."""

from __future__ import annotations

from pathlib import Path

from vision.config.document import Node, Problem, problem_with

_OVERLAYS = ("on-prem", "cloud")
_TABLES = (".csv", ".parquet", ".json")


def check_files(root: Node) -> list[Problem]:
    """Returns a problem for every file or folder that is named and is not there.

    Paths are relative to the working directory. A DVC repository is left to DVC, which also takes
    addresses.
    """
    found = [_dataset_problem(root), _weights_problem(root), _overlay_problem(root)]
    return [problem for problem in found if problem is not None]


def _dataset_problem(root: Node) -> Problem | None:
    source, _ = root.find(("dataset", "source"))
    node, absent = root.find(("dataset", "path"))
    if absent or not isinstance(node.value, str):
        return None
    path = Path(node.value)
    if source.value == "folder" and not path.is_dir():
        what = "is a file, not a folder of images" if path.exists() else "no such folder"
    elif source.value == "table" and not path.is_file():
        what = "is a folder, not a table" if path.exists() else "no such file"
    elif source.value == "table" and path.suffix not in _TABLES:
        what = f"must end in {', '.join(_TABLES[:-1])} or {_TABLES[-1]}"
    else:
        return None
    return problem_with(node, f"{what}{_seen_from(path)}; set dataset.path to your {source.value}")


def _weights_problem(root: Node) -> Problem | None:
    node, absent = root.find(("model", "weights"))
    if absent or not isinstance(node.value, str) or Path(node.value).is_file():
        return None
    where = _seen_from(Path(node.value))
    return problem_with(node, f"no such file{where}; remove it to train from scratch")


def _overlay_problem(root: Node) -> Problem | None:
    node, absent = root.find(("deployment", "overlay"))
    if absent or not isinstance(node.value, str) or node.value in _OVERLAYS:
        return None
    if Path(node.value).is_dir():
        return None
    names = " or ".join(_OVERLAYS)
    where = _seen_from(Path(node.value))
    return problem_with(node, f"no such folder{where}; name {names}, or a Kustomize folder")


def _seen_from(path: Path) -> str:
    """Says what a relative path is relative to, which is the usual reason for not finding it."""
    return "" if path.is_absolute() else f" in {Path.cwd()}"
