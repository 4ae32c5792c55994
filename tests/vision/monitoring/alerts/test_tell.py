"""Every way is tried, a failure is a sentence, and no secret is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.alert_servers import http_server, smtp_server
from tests.servers import free_port
from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import Delivery, is_told, missing_variables, tell
from vision.monitoring.alerts.tell import name_ways

LOG = AlertConfig(kind="log")
CHAT = AlertConfig(kind="webhook", shape="teams", url_from="CHAT_URL")


def _mail(port: int) -> AlertConfig:
    return AlertConfig(
        kind="email", host="127.0.0.1", port=port, security="none",
        sender="monitor@example.org", to=("ann@example.org",),
    )  # fmt: skip


@pytest.mark.integration
def test_all_ways_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = AlertConfig(kind="file", path=tmp_path / "alerts.jsonl")
    with http_server() as chat, smtp_server() as post:
        ways = (LOG, CHAT, _mail(post.port), file)
        deliveries = tell(CHANGE, ways, {"CHAT_URL": f"{chat.address}/s3cr3t"})

    assert [delivery.sentence for delivery in deliveries] == [
        "log: written",
        "webhook of CHAT_URL (teams): delivered, the server answered 200",
        f"e-mail to ann@example.org through 127.0.0.1:{post.port}: delivered",
        f"file {tmp_path}/alerts.jsonl: added",
    ]
    assert all(delivery.is_delivered for delivery in deliveries)
    assert len(chat.posts) == len(post.mails) == 1
    assert json.loads((tmp_path / "alerts.jsonl").read_text())["model"] == "digits"
    assert capsys.readouterr().err.splitlines()[:2] == [
        "digits 20261121-190000-0a1b2c3d: drift",
        "  Model digits, version 20261121-190000-0a1b2c3d: drift, before: ok.",
    ]


@pytest.mark.security
@pytest.mark.integration
def test_a_failure_is_a_sentence_and_keeps_no_other_from_going(
    capsys: pytest.CaptureFixture[str],
) -> None:
    closed = free_port()
    url = f"http://127.0.0.1:{closed}/services/s3cr3t"

    chat, mail, log = tell(CHANGE, (CHAT, _mail(closed), LOG), {"CHAT_URL": url})

    down = "no connection to the server (Connection refused) (3 tries)"
    assert (chat.is_delivered, mail.is_delivered, log.is_delivered) == (False, False, True)
    assert chat.sentence == f"webhook of CHAT_URL (teams): not delivered: {down}"
    assert mail.sentence.endswith(f": not delivered: {down}")
    shown = "".join(capsys.readouterr()) + chat.sentence
    assert "s3cr3t" not in shown
    assert str(closed) not in shown


@pytest.mark.unit
@pytest.mark.security
def test_even_a_defect_is_a_sentence_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    def break_down(*_: object) -> str:
        raise ZeroDivisionError("https://hooks.example.org/s3cr3t")

    monkeypatch.setattr(import_module("vision.monitoring.alerts.tell"), "send_webhook", break_down)
    [delivery] = tell(CHANGE, (CHAT,), {"CHAT_URL": "https://hooks.example.org/s3cr3t"})

    assert delivery == Delivery(
        "webhook",
        "webhook of CHAT_URL (teams)",
        False,
        "webhook of CHAT_URL (teams): not delivered: a defect (ZeroDivisionError)",
    )


def _ended(kind: str, is_delivered: bool) -> Delivery:
    return Delivery(kind, kind, is_delivered, "")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("deliveries", "told"),
    [
        ([], True),
        ([_ended("log", True)], True),
        ([_ended("log", True), _ended("webhook", False)], False),
        ([_ended("webhook", False), _ended("email", True)], True),
        ([_ended("webhook", False), _ended("email", False)], False),
        ([_ended("log", True), _ended("file", True)], True),
        ([_ended("file", False)], False),
        ([_ended("file", True), _ended("email", False)], False),
        ([_ended("log", True), _ended("file", False), _ended("email", True)], True),
        ([_ended("log", True), _ended("alerter", False)], False),
    ],
)
def test_a_line_alone_is_enough_only_where_nothing_else_was_to_tell(
    deliveries: list[Delivery], told: bool
) -> None:
    assert is_told(deliveries) is told


@pytest.mark.unit
def test_no_two_ways_have_the_same_name() -> None:
    assert name_ways((LOG, CHAT, LOG, _mail(25), LOG)) == [
        "log",
        "webhook of CHAT_URL (teams)",
        "log (2)",
        "e-mail to ann@example.org through 127.0.0.1:25",
        "log (3)",
    ]


@pytest.mark.unit
def test_every_variable_that_is_missing_is_named() -> None:
    mail = AlertConfig(
        kind="email", host="mail.example.org", sender="a@example.org", to=("b@example.org",),
        user_from="MAIL_USER", password_from="MAIL_PASSWORD",
    )  # fmt: skip

    assert missing_variables((LOG, CHAT, mail), {"MAIL_USER": "me", "MAIL_PASSWORD": " "}) == [
        "monitoring.alerts[1].url_from = 'CHAT_URL': the environment variable CHAT_URL is not "
        "set; export it first",
        "monitoring.alerts[2].password_from = 'MAIL_PASSWORD': the environment variable "
        "MAIL_PASSWORD is not set; export it first",
    ]
    assert missing_variables((LOG,), {}) == []
