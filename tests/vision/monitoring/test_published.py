"""Pages and history of monitoring on this machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from vision.errors import VisionError
from vision.monitoring.published import publish, read_history
from vision.monitoring.report import MonitoringReport, VersionReport

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)


def make_report(at: datetime = NOW, verdict: str = "ok", name: str = "digits") -> MonitoringReport:
    part = VersionReport.model_validate({"name": name, "version": "v1", "verdict": verdict})
    return MonitoringReport(name=name, created_at=at, since=at, until=at, versions=(part,))


def test_each_run_has_a_page_and_the_last_has_a_name(home: Path) -> None:
    place = home / "monitoring" / "reports" / "digits"
    assert publish(make_report(), "<p>one</p>") == place / "20260131-120000-000005.html"
    publish(make_report(NOW + timedelta(days=1)), "<p>two</p>")
    assert (place / "latest.html").read_text() == "<p>two</p>"
    assert len(list(place.glob("2026*.html"))) == 2
    assert not list(place.glob(".*"))


@pytest.mark.security
def test_nobody_else_may_read_pages_that_show_images(home: Path) -> None:
    place = home / "monitoring" / "reports"
    place.mkdir(parents=True, mode=0o755)
    publish(make_report(), "<p>one</p>")
    assert place.stat().st_mode & 0o777 == 0o700


def test_the_oldest_pages_go(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.monitoring.published._N_PAGES", 2)
    pages = [publish(make_report(NOW + timedelta(days=day)), "") for day in range(4)]
    assert [page.exists() for page in pages] == [False, False, True, True]
    assert len(read_history("digits")) == 4


def test_history_is_read_back_whatever_a_crash_has_left(home: Path) -> None:
    assert read_history("digits") == ()
    publish(make_report(), "")
    path = home / "monitoring" / "reports" / "digits" / "history.jsonl"
    with path.open("ab") as file:
        file.write(b'{"created_at": "2026-01\n\xff\xfe\n')
    publish(make_report(NOW + timedelta(days=1), "drift"), "")
    entries = read_history("digits")
    assert [(entry.verdict, entry.version) for entry in entries] == [("ok", "v1"), ("drift", "v1")]


def test_a_line_that_was_cut_off_takes_no_other_with_it(home: Path) -> None:
    publish(make_report(), "")
    path = home / "monitoring" / "reports" / "digits" / "history.jsonl"
    with path.open("ab") as file:
        file.write(b'{"created_at": "2026-01')
    publish(make_report(NOW, "drift"), "")
    assert [entry.verdict for entry in read_history("digits")] == ["ok", "drift"]


def test_models_are_apart(home: Path) -> None:
    publish(make_report(), "")
    assert read_history("other") == ()


def test_a_place_that_cannot_be_written_is_named(home: Path) -> None:
    place = home / "monitoring" / "reports" / "digits"
    (place / "history.jsonl").mkdir(parents=True)
    with pytest.raises(VisionError, match=r"the report of digits cannot be written to .*digits"):
        publish(make_report(), "")
    assert read_history("digits") == ()
