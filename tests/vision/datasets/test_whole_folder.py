from __future__ import annotations

from pathlib import Path

import pytest

from vision.datasets.whole_folder import whole_folder


def test_it_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "above" / "made"
    with whole_folder(target) as draft:
        (draft / "a").write_text("a")
        assert not target.exists()
    assert (target / "a").read_text() == "a"
    assert [path.name for path in target.parent.iterdir()] == ["made"]


def write_half(target: Path) -> None:
    with whole_folder(target) as draft:
        (draft / "a").write_text("a")
        raise ValueError("no more")


def test_a_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no more"):
        write_half(tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_of_two_writers_the_first_ones_folder_stays(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with whole_folder(target) as slower:
        (slower / "a").write_text("slower")
        with whole_folder(target) as faster:
            (faster / "a").write_text("faster")
    assert (target / "a").read_text() == "faster"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
