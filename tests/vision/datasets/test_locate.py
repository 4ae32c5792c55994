"""Paths of other machines are found below the root, by one prefix for the whole table."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.datasets.locate import locate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path in ("cat/0.png", "cat/1.png", "train/cat/0.png", "images/2.png", "train2017/3.png"):
        (tmp_path / "data" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / path).touch()
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("cat/0.png", "cat/0.png"),
        ("./cat/../cat/0.png", "cat/0.png"),
        ("cat/missing.png", "cat/missing.png"),
        ("..", None),
        ("../data2/0.png", None),
        (".", None),
        ("", None),
        ("..cat/0.png", "..cat/0.png"),
        ("a:b.png", "a:b.png"),
    ],
)
def test_relative_paths_stay_below_the_root(root: Path, path: str, expected: str | None) -> None:
    # The first path shows that paths are meant as they stand.
    assert locate(["cat/1.png", path], root)[1] == expected


def test_absolute_paths_inside_the_root_are_taken_as_they_are(root: Path) -> None:
    assert locate([str(root / "cat/0.png"), str(root / "gone.png")], root) == [
        "cat/0.png",
        "gone.png",
    ]


def test_the_prefix_of_another_machine_is_taken_off_every_row(root: Path) -> None:
    paths = [f"/home/them/set/{path}" for path in ("cat/gone.png", "cat/0.png", "cat/1.png")]
    assert locate(paths, root) == ["cat/gone.png", "cat/0.png", "cat/1.png"]


def test_of_two_places_the_longer_path_counts(root: Path) -> None:
    # Below the root there is cat/0.png too.
    assert locate(["/mnt/set/train/cat/0.png"], root) == ["train/cat/0.png"]


def test_missing_files_are_outvoted(root: Path) -> None:
    # train/cat/1.png is missing, and cat/1.png happens to lie under the root.
    paths = ["/s/train/cat/1.png", "/s/train/cat/0.png", "/s/images/2.png"]
    assert locate(paths, root) == ["train/cat/1.png", "train/cat/0.png", "images/2.png"]


def test_rows_with_another_prefix_are_outside(root: Path) -> None:
    paths = ["/a/cat/0.png", "/a/cat/1.png", "/etc/passwd"]
    assert locate(paths, root) == ["cat/0.png", "cat/1.png", None]


def test_where_no_row_is_found_all_are_outside(root: Path) -> None:
    assert locate(["/a/x.png", "/a/y.png"], root) == [None, None]


def test_no_path_leads_out_by_its_rest(root: Path) -> None:
    paths = ["/a/cat/0.png", "/a/../../etc/passwd", "/a/cat/../../x"]
    assert locate(paths, root) == ["cat/0.png", None, None]


@pytest.mark.parametrize("drive", ["C:\\them\\set\\", "\\\\server\\set\\", ""])
def test_windows_paths_are_read(root: Path, drive: str) -> None:
    assert locate([f"{drive}cat\\0.png", f"{drive}cat\\1.png"], root) == ["cat/0.png", "cat/1.png"]


def test_a_backslash_may_belong_to_a_name(root: Path) -> None:
    (root / "a\\b.png").touch()
    assert locate(["a\\b.png", "cat/0.png"], root) == ["a\\b.png", "cat/0.png"]


def test_relative_paths_may_start_from_another_folder(root: Path) -> None:
    folders = ("train2017", "images")
    assert locate(["3.png", "4.png"], root, folders) == ["train2017/3.png", "train2017/4.png"]
    assert locate(["2.png"], root, folders) == ["images/2.png"]
    assert locate(["data/cat/0.png", "data/gone.png"], root) == ["cat/0.png", "gone.png"]


def test_ten_thousand_rows_cost_few_looks_at_the_disk(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    is_file = Path.is_file

    def counted(path: Path) -> bool:
        nonlocal looks
        looks += 1
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", counted)
    found = locate([f"/home/them/set/{n}/{n}.png" for n in range(10_000)], root)
    assert found == [None] * 10_000
    assert looks <= 2000
