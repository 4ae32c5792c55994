"""A review batch that cannot be written is a sentence, and the others are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steps import write_review
from tests.vision.monitoring.test_review import candidate
from vision.config.monitoring import ReviewConfig
from vision.monitoring.candidates import Candidate
from vision.monitoring.period import PeriodReader
from vision.monitoring.report import MonitoringReport
from vision.monitoring.traffic import Traffic, VersionTraffic

pytestmark = pytest.mark.unit

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write_review, "kept_images", lambda: tmp_path / "images")


def written(
    *versions: str,
    folder: Path | None = None,
    replaced: str = "",
    candidates: Sequence[Candidate] = (),
    at: datetime = TIME,
) -> str:
    nothing = PeriodReader(("a", "b"), n_newest=10, seed=0).finish()
    period = replace(nothing, candidates=tuple(candidates))
    traffic = Traffic("digits", TIME, TIME, tuple(VersionTraffic(v, period) for v in versions))
    parts = [
        {"name": "digits", "version": version, "verdict": "drift",
         "served_until": TIME if version == replaced else None}
        for version in versions
    ]  # fmt: skip
    report = MonitoringReport.model_validate(
        {"name": "digits", "created_at": at, "since": TIME, "until": TIME, "versions": parts}
    )
    done = write_review.write_review.entrypoint(
        traffic, report, ReviewConfig(folder=folder, n_images=12)
    )
    assert isinstance(done, str)
    return done


@pytest.mark.security
def test_the_folder_of_batches_is_for_its_owner_alone(home: Path) -> None:
    table = Path(written("v1"))
    assert table == home / "reviews" / "digits-v1-20261121-193000" / "review.csv"
    assert (home / "reviews").stat().st_mode & 0o777 == 0o700


def test_a_folder_of_the_user_keeps_its_mode(home: Path, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir(mode=0o755)
    assert Path(written("v1", folder=place)).is_file()
    assert place.stat().st_mode & 0o777 == 0o755


def test_a_version_that_was_replaced_gets_no_batch(home: Path) -> None:
    assert Path(written("v2", "v1", replaced="v1")).parent.name == "digits-v2-20261121-193000"


def test_what_an_earlier_batch_had_is_not_in_the_next(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    many = [candidate(n, image=None) for n in range(20)]
    first = written("v1", candidates=many)
    second = written("v1", candidates=many, at=TIME + timedelta(days=1))
    ids = [set(re.findall(r"r\d{4}", Path(table).read_text())) for table in (first, second)]
    assert [len(each) for each in ids] == [12, 8]
    assert not ids[0] & ids[1]
    said = written("v1", candidates=many, at=TIME + timedelta(days=2))
    assert said == (
        "no review batch for digits v1: all that could be chosen has a true label or was in an "
        "earlier batch; label those"
    )
    assert said in capsys.readouterr().err
    assert len(list((home / "reviews").iterdir())) == 2


@pytest.mark.fault
def test_what_cannot_be_written_is_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "reviews").write_text("a file")
    said = written("v1")
    assert "reviews cannot be made (not a folder)" in said
    assert said in capsys.readouterr().err


@pytest.mark.fault
def test_the_other_batches_are_written(home: Path) -> None:
    first = Path(written("v1"))
    said, table = written("v1", "v2").splitlines()
    assert said.startswith(f"the review batch {first.parent} exists, and may have been labelled")
    assert Path(table).is_file()
