"""A report's changes are told once each, and remembered only when somebody was told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import Delivery, Message
from vision.monitoring.alerts.changes import ToldChange, tell_changes
from vision.monitoring.alerts.delivery import NotDelivered
from vision.monitoring.report import MonitoringReport, VersionReport
from vision.monitoring.state import ALL_VERSIONS

pytestmark = pytest.mark.unit

TIME = datetime(2026, 11, 21, 19, 30, tzinfo=UTC)


def _report(**verdicts: str) -> MonitoringReport:
    parts: list[Any] = [
        VersionReport.model_validate(
            {"name": "digits", "version": version, "verdict": verdict, "moved": ("uae",),
             "next_move": "look at the images."}
        )
        for version, verdict in verdicts.items()
    ]  # fmt: skip
    return MonitoringReport(
        name="digits", created_at=TIME, since=TIME, until=TIME, versions=tuple(parts)
    )


def _lines(path: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(line["version"], line["now"]) for line in lines]


def _summary(told: tuple[ToldChange, ...]) -> list[tuple[str, str | None, str]]:
    return [(one.change.version, one.change.before, one.change.now) for one in told]


@pytest.mark.usefixtures("home")
def test_each_change_is_told_once(tmp_path: Path) -> None:
    alerts = (AlertConfig(kind="file", path=tmp_path / "alerts.jsonl"),)

    first = tell_changes(_report(v1="ok", v2="drift"), alerts, {}, link="https://x")
    second = tell_changes(_report(v1="ok", v2="drift"), alerts, {})
    third = tell_changes(_report(v1="drift", v2="drift"), alerts, {})

    assert _summary(first) == [("v2", None, "drift")]
    assert first[0].change.moved == ("uae",)
    assert first[0].change.link == "https://x"
    assert first[0].change.time == TIME
    assert second == ()
    assert _summary(third) == [("v1", "ok", "drift")]
    assert _lines(tmp_path / "alerts.jsonl") == [("v2", "drift"), ("v1", "drift")]


@pytest.mark.usefixtures("home")
def test_traffic_that_stops_and_comes_back_is_told_once_each() -> None:
    told = [
        _summary(tell_changes(report, (AlertConfig(kind="log"),), {}))
        for report in (_report(v1="ok"), _report(), _report(), _report(v1="ok"))
    ]

    assert told == [
        [], [(ALL_VERSIONS, "ok", "no_traffic")], [], [(ALL_VERSIONS, "no_traffic", "ok")],
    ]  # fmt: skip


@pytest.mark.usefixtures("home")
def test_a_version_without_traffic_is_told_as_all_traffic_where_there_is_no_other() -> None:
    told = tell_changes(_report(v1="no_traffic"), (AlertConfig(kind="log"),), {})

    assert _summary(told) == [(ALL_VERSIONS, None, "no_traffic")]
    assert told[0].change.next_move.startswith("see whether the service runs")


@pytest.mark.usefixtures("home")
def test_what_no_alert_delivered_is_told_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = AlertConfig(kind="file", path=tmp_path / "file" / "alerts.jsonl")
    whole = AlertConfig(kind="file", path=tmp_path / "alerts.jsonl")

    for alerts in ((broken,), (broken,), (broken, whole)):
        assert _summary(tell_changes(_report(v1="drift"), alerts, {})) == [("v1", None, "drift")]

    assert tell_changes(_report(v1="drift"), (whole,), {}) == ()
    assert _lines(tmp_path / "alerts.jsonl") == [("v1", "drift")]


@dataclass
class Mail:
    """A mail server that may be down; each mail that it took, by what was told before and now."""

    is_down: bool = True
    n_tries: int = 0
    taken: list[tuple[str | None, str]] = field(default_factory=list)

    def send(self, message: Message, *_: object) -> str:
        self.n_tries += 1
        if self.is_down:
            raise NotDelivered("no connection to the server")
        self.taken.append((message.values["before"], message.values["now"]))
        return "delivered"


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Mail:
    made = Mail()
    monkeypatch.setattr(import_module("vision.monitoring.alerts.tell"), "send_email", made.send)
    return made


MAIL = AlertConfig(
    kind="email", host="mail.example.org", sender="a@example.org", to=("b@example.org",)
)


@pytest.mark.fault
@pytest.mark.usefixtures("home")
def test_a_mail_that_failed_beside_a_file_is_sent_by_the_next_run(
    tmp_path: Path, mail: Mail
) -> None:
    file = AlertConfig(kind="file", path=tmp_path / "alerts.jsonl")
    alerts = (AlertConfig(kind="log"), file, MAIL)

    ended = []
    for mail.is_down in (True, True, False, False):
        told = tell_changes(_report(v1="drift"), alerts, {})
        ended.append([(one.kind, one.is_delivered) for part in told for one in part.deliveries])

    assert ended == [
        [("log", True), ("file", True), ("email", False)],
        [("log", True), ("email", False)],  # a run's log shows what the run tells
        [("log", True), ("email", True)],
        [],
    ]
    assert mail.taken == [(None, "drift")]
    assert _lines(tmp_path / "alerts.jsonl") == [("v1", "drift")]


@pytest.mark.fault
@pytest.mark.usefixtures("home")
def test_a_mail_that_failed_beside_a_chat_is_sent_by_the_next_run(mail: Mail) -> None:
    chat: list[tuple[str | None, str]] = []

    def post(message: Message) -> Delivery:
        chat.append((message.values["before"], message.values["now"]))
        return Delivery("alerter", "x", True, "")

    for mail.is_down, verdict in ((True, "ok"), (True, "drift"), (True, "error"), (False, "error")):
        tell_changes(_report(v1=verdict), (MAIL,), {}, posts=(post,))

    # Each gets what is news to it.
    assert chat == [("ok", "drift"), ("drift", "error")]
    assert mail.taken == [("ok", "error")]


@pytest.mark.fault
@pytest.mark.usefixtures("home")
def test_what_has_turned_back_is_not_sent_where_it_was_missed(tmp_path: Path, mail: Mail) -> None:
    alerts = (AlertConfig(kind="file", path=tmp_path / "alerts.jsonl"), MAIL)

    for mail.is_down, verdict in ((True, "ok"), (True, "drift"), (False, "ok"), (False, "ok")):
        tell_changes(_report(v1=verdict), alerts, {})

    assert (mail.n_tries, mail.taken) == (1, [])
    assert _lines(tmp_path / "alerts.jsonl") == [("v1", "drift"), ("v1", "ok")]


@pytest.mark.usefixtures("home")
def test_an_alert_that_is_new_is_told_no_old_news(tmp_path: Path, mail: Mail) -> None:
    log = AlertConfig(kind="log")
    mail.is_down = False

    tell_changes(_report(v1="drift"), (log,), {})
    assert tell_changes(_report(v1="drift"), (log, MAIL), {}) == ()
    tell_changes(_report(v1="ok"), (log, MAIL), {})

    assert mail.taken == [("drift", "ok")]


@pytest.mark.usefixtures("home")
def test_without_any_alert_a_change_is_one_all_the_same() -> None:
    assert _summary(tell_changes(_report(v1="drift"), (), {})) == [("v1", None, "drift")]
    assert tell_changes(_report(v1="drift"), (), {}) == ()


@pytest.mark.usefixtures("home")
def test_further_ways_count_as_well() -> None:
    posted: list[str] = []

    def post(message: Message) -> Delivery:
        posted.append(message.subject)
        return Delivery("alerter", "x", len(posted) > 1, "")

    for _ in range(3):
        tell_changes(_report(v1="drift"), (AlertConfig(kind="log"),), {}, posts=(post,))

    assert posted == ["digits v1: drift"] * 2


@pytest.mark.fault
def test_a_state_that_cannot_be_kept_keeps_nobody_from_being_told(
    home: Path, tmp_path: Path
) -> None:
    home.mkdir()
    (home / "monitoring").touch()
    alerts = (AlertConfig(kind="file", path=tmp_path / "alerts.jsonl"),)

    told = tell_changes(_report(v1="drift", v2="ok"), alerts, {})

    assert _summary(told) == [("v1", None, "drift")]
    assert _lines(tmp_path / "alerts.jsonl") == [("v1", "drift")]
    [delivered, first, second] = told[0].deliveries
    assert delivered.is_delivered
    assert first.kind == second.kind == "state"
    assert "VISIONSTACK_HOME" in first.sentence


@pytest.mark.fault
def test_a_lock_that_cannot_be_opened_keeps_nobody_from_being_told(
    home: Path, tmp_path: Path
) -> None:
    (home / "monitoring" / "states" / ".digits.lock").mkdir(parents=True)
    alerts = (AlertConfig(kind="file", path=tmp_path / "alerts.jsonl"),)

    told = tell_changes(_report(v1="drift"), alerts, {})

    assert _summary(told) == [("v1", None, "drift")]
    assert _lines(tmp_path / "alerts.jsonl") == [("v1", "drift")]
    assert "Is a directory" in told[0].deliveries[1].sentence
