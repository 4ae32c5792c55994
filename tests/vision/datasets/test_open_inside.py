"""What is read is what was judged: a path that changes in between leads nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture
from tests.vision.datasets.reading import listed, load
from vision.datasets import load as loading
from vision.datasets.bounds import Bounds
from vision.datasets.open_inside import open_inside

pytestmark = [pytest.mark.usefixtures("home"), pytest.mark.security]


def read(path: Path, root: Path) -> bytes:
    with os.fdopen(open_inside(path, Bounds(root)), "rb") as file:
        return file.read()


def test_files_and_links_inside_are_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert read(tmp_path / "a", tmp_path) == read(tmp_path / "link", tmp_path) == b"bytes"


def test_what_is_elsewhere_is_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "file").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    n_open = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("file", "folder/secret"):
        with pytest.raises(OSError, match="replaced by something outside the dataset"):
            open_inside(root / path, Bounds(root))
    for path in ("pipe", "folder"):
        with pytest.raises(OSError, match="no regular file any more"):
            open_inside(root / path, Bounds(root))
    assert len(list(Path("/proc/self/fd").iterdir())) == n_open


def to_link(path: Path) -> None:
    path.symlink_to(path.parents[2] / "secret.png")


def to_pipe(path: Path) -> None:
    os.mkfifo(path)


def to_folder_link(path: Path) -> None:
    path.parent.rename(path.parents[2] / "moved")
    path.parent.symlink_to(path.parents[2] / "moved")


@pytest.mark.parametrize(
    ("become", "why"),
    [
        (to_link, "replaced by something outside the dataset while it was read"),
        (to_pipe, "no regular file any more"),
        (to_folder_link, "replaced by something outside the dataset while it was read"),
    ],
)
def test_a_file_that_changes_after_the_scan_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    become: Callable[[Path], None],
    why: str,
) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3, classes=("cat", "dog", "fox"))
    (tmp_path / "secret.png").write_bytes(encode(picture(9), "PNG"))
    scan = loading.scan_folder

    def scan_then_swap(*arguments: object) -> object:
        found = scan(*arguments)  # type: ignore[arg-type]
        if become is not to_folder_link:
            (root / "fox" / "01.png").unlink()
        become(root / "fox" / "01.png")
        return found

    monkeypatch.setattr(loading, "scan_folder", scan_then_swap)
    table = load(root)
    found = listed(table)["unreadable_files"]
    assert "fox/01.png" in found
    assert "fox/01.png" not in set(table.frame["path"])
    assert why in table.problems[0].message
