"""What is found below a folder, also where parts of it are removed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vanishing import vanish_when_listed
from vision.listing import list_paths

pytestmark = pytest.mark.unit


def test_what_matches_is_found_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b/2.seg", "a/1.seg", "a/.hidden.seg", "a/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert list_paths(tmp_path, "*/*.seg") == [tmp_path / "a" / "1.seg", tmp_path / "b" / "2.seg"]
    assert list_paths(tmp_path / "none", "*") == []


def test_signs_in_the_name_of_the_root_are_no_pattern(tmp_path: Path) -> None:
    root = tmp_path / "[x]*"
    root.mkdir()
    (root / "1").write_bytes(b"")
    assert list_paths(root, "*") == [root / "1"]


def test_a_folder_that_vanishes_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stays").mkdir()
    (tmp_path / "stays" / "1").write_bytes(b"")
    vanish_when_listed(monkeypatch, tmp_path / "gone")
    assert list_paths(tmp_path, "*/*") == [tmp_path / "stays" / "1"]
    assert not (tmp_path / "gone").exists()
