"""Kept files are whole at any moment, and a damaged one is put aside and told about."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pydantic import BaseModel

from vision.errors import VisionError
from vision.monitoring.kept import alone, kept_path, read_kept, write_kept

pytestmark = pytest.mark.unit


class Count(BaseModel):
    n: int


def test_what_is_written_is_read(home: Path) -> None:
    path = kept_path("states", "digits")
    assert path == home / "monitoring" / "states" / "digits.json"
    assert read_kept(path, Count, "the count") is None

    write_kept(path, Count(n=3), "the count")

    assert read_kept(path, Count, "the count") == Count(n=3)
    assert [file.name for file in path.parent.iterdir()] == ["digits.json"]


@pytest.mark.fault
@pytest.mark.parametrize("damaged", ["", '{"n": ', '{"n": "many"}', "\x00\x00"])
def test_a_damaged_file_is_put_aside_and_told_about(
    home: Path, damaged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = kept_path("states", "digits")
    write_kept(path, Count(n=3), "the count")
    path.write_text(damaged)

    assert read_kept(path, Count, "the count of digits") is None

    aside = path.with_suffix(".damaged")
    assert aside.read_text() == damaged
    assert not path.exists()
    assert capsys.readouterr().err == (
        f"the count of digits was damaged; the file is now {aside}, and it begins anew\n"
    )


@pytest.mark.fault
def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    path = kept_path("states", "digits")
    path.mkdir(parents=True)

    with pytest.raises(VisionError, match=r"the count cannot be read from .*digits\.json \(Is a d"):
        read_kept(path, Count, "the count")
    with pytest.raises(VisionError, match=r"the count cannot be written to .*; make room there"):
        write_kept(path, Count(n=3), "the count")
    assert list(path.parent.iterdir()) == [path]


def test_many_at_once_lose_nothing(home: Path) -> None:
    path = kept_path("states", "digits")

    def add() -> None:
        for _ in range(10):
            with alone(path):
                known = read_kept(path, Count, "the count")
                write_kept(path, Count(n=known.n + 1 if known else 1), "the count")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert read_kept(path, Count, "the count") == Count(n=40)
