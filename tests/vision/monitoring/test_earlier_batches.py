"""What earlier review batches of a version hold, as far as it can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vision.monitoring.test_review import candidate
from vision.monitoring import earlier_batches
from vision.monitoring.earlier_batches import Reviewed, read_reviewed
from vision.monitoring.review import write_review
from vision.monitoring.review_files import TABLE

pytestmark = pytest.mark.unit


def write(place: Path, folder: str, *chosen: Any) -> Path:
    return write_review(place / folder, chosen, name="digits", version="v1", images=None)


def test_drawn_and_picked_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "digits-v1-20261120-030000", candidate(1), candidate(2, reasons=("random",)))
    both = candidate(1, reasons=("unsure", "random"))
    write(tmp_path, "digits-v1-20261121-030000", candidate(3), both)
    assert read_reviewed(tmp_path, "digits", "v1") == Reviewed(
        drawn=frozenset({"r0001", "r0002"}), picked=frozenset({"r0003"})
    )


def test_batches_of_others_do_not_count(tmp_path: Path) -> None:
    for folder in ("digits-v1-b-20261120-030000", "digits-v10-20261120-030000", "digits-v1-old"):
        write(tmp_path, folder, candidate(1))
    assert read_reviewed(tmp_path, "digits", "v1") == Reviewed()
    assert read_reviewed(tmp_path / "missing", "digits", "v1") == Reviewed()


def test_the_newest_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier_batches, "_N_BATCHES", 2)
    for day in (3, 1, 2):
        write(tmp_path, f"digits-v1-2026110{day}-030000", candidate(day))
    assert read_reviewed(tmp_path, "digits", "v1").picked == {"r0002", "r0003"}


@pytest.mark.security
@pytest.mark.parametrize("request_id", ["=HYPERLINK(1)", "-1", "'quoted", "plain"])
def test_request_ids_come_back_as_they_were(tmp_path: Path, request_id: str) -> None:
    write(tmp_path, "digits-v1-20261120-030000", candidate(1, request_id=request_id))
    assert read_reviewed(tmp_path, "digits", "v1").picked == {request_id}


@pytest.mark.fault
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"request_id;why\nr1;random\n", b"label\nred\n"]
)
def test_a_table_in_another_form_is_passed_over(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, "digits-v1-20261120-030000", candidate(1))
    write(tmp_path, "digits-v1-20261121-030000", candidate(2)).write_bytes(content)
    (tmp_path / "digits-v1-20261122-030000").mkdir()
    (tmp_path / "digits-v1-20261123-030000").mkdir()
    (tmp_path / "digits-v1-20261123-030000" / TABLE).mkdir()
    assert read_reviewed(tmp_path, "digits", "v1").picked == {"r0001"}
