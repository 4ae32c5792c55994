"""E-mail against a real SMTP server: taken, refused, encrypted, down; the password is secret."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.alert_servers import PASSWORD, USER, Mailbox, http_server, smtp_server
from tests.servers import free_port
from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import delivery
from vision.monitoring.alerts.delivery import NotDelivered
from vision.monitoring.alerts.email import send_email
from vision.monitoring.alerts.message import Message, write_message

pytestmark = [
    pytest.mark.integration,
    # A test server that wants a login without TLS is meant.
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS"),
]

LOGIN = {"user_from": "MAIL_USER", "password_from": "MAIL_PASSWORD"}
ENVIRONMENT = {"MAIL_USER": USER, "MAIL_PASSWORD": PASSWORD}


def _alert(port: int, **changes: Any) -> AlertConfig:
    values: dict[str, Any] = {
        "kind": "email", "host": "127.0.0.1", "port": port, "security": "none",
        "sender": "monitor@example.org", "to": ("ann@example.org", "bob@example.org"),
    }  # fmt: skip
    return AlertConfig(**{**values, **changes})


def _refused(message: Message, alert: AlertConfig, **environment: str) -> str:
    with pytest.raises(NotDelivered) as caught:
        send_email(message, alert, {**ENVIRONMENT, **environment})
    said = str(caught.value)
    assert PASSWORD not in said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said


def _only(mailbox: Mailbox) -> EmailMessage:
    [envelope] = mailbox.mails
    assert isinstance(envelope.content, bytes)
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_it_arrives_once_at_every_address(message: Message) -> None:
    with smtp_server() as mailbox:
        said = send_email(message, _alert(mailbox.port), {})

    mail = _only(mailbox)
    assert said == "delivered"
    assert mailbox.mails[0].rcpt_tos == ["ann@example.org", "bob@example.org"]
    assert mail["Subject"] == "digits 20261121-190000-0a1b2c3d: drift"
    assert (mail["From"], mail["To"]) == ("monitor@example.org", "ann@example.org, bob@example.org")
    assert mail["Date"] == "Sat, 21 Nov 2026 19:30:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.org>")
    assert mail.get_content().rstrip("\n").replace("\r", "") == message.text


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_is_encrypted_and_logs_in(
    message: Message,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    security: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with smtp_server(certificate, tls=security == "tls", login=True) as mailbox:
        alert = _alert(mailbox.port, security=security, **LOGIN)

        assert send_email(message, alert, ENVIRONMENT) == "delivered"

    assert mailbox.logins == [(USER, PASSWORD)]
    assert len(mailbox.mails) == 1


@pytest.mark.security
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_self_signed_certificate_is_refused_before_the_password_is_sent(
    message: Message, certificate: tuple[Path, Path], security: str
) -> None:
    with smtp_server(certificate, tls=security == "tls", login=True) as mailbox:
        said = _refused(message, _alert(mailbox.port, security=security, **LOGIN))

    assert said == (
        "the server's certificate is not trusted (code 18); where its authority is your own, name "
        "its file in SSL_CERT_FILE"
    )
    assert mailbox.logins == []
    assert mailbox.mails == []


@pytest.mark.security
def test_a_server_without_encryption_gets_neither_password_nor_mail(message: Message) -> None:
    with smtp_server(login=True) as mailbox:
        said = _refused(message, _alert(mailbox.port, security="starttls", **LOGIN))

    assert said.startswith("the server offers no encryption (STARTTLS); set the alert's security")
    assert mailbox.logins == []


def test_tls_against_a_plain_port_is_named(message: Message) -> None:
    with smtp_server() as mailbox:
        said = _refused(message, _alert(mailbox.port, security="tls"))

    assert said == "the server speaks no TLS on this port; set the alert's security"


@pytest.mark.security
def test_a_refused_password_is_told_by_its_variable(message: Message, pauses: list[float]) -> None:
    with smtp_server(login=True) as mailbox:
        said = _refused(message, _alert(mailbox.port, **LOGIN), MAIL_PASSWORD="wr0ng")

    assert said == "the server refused the user and password of MAIL_USER and MAIL_PASSWORD (535)"
    assert "wr0ng" not in said
    assert pauses == []
    assert mailbox.mails == []


def test_a_password_that_is_not_set_is_named(message: Message) -> None:
    said = _refused(message, _alert(25, **LOGIN), MAIL_PASSWORD="")

    assert said == "the environment variable MAIL_PASSWORD is not set; export it"


def test_one_refused_address_keeps_no_other_from_getting_it(message: Message) -> None:
    with smtp_server() as mailbox:
        mailbox.refused = {"bob@example.org": "550 who?"}

        said = send_email(message, _alert(mailbox.port), {})

    assert said == "delivered, but the server refused bob@example.org"
    assert mailbox.mails[0].rcpt_tos == ["ann@example.org"]


def test_refused_by_every_address(message: Message, pauses: list[float]) -> None:
    with smtp_server() as mailbox:
        mailbox.refused = {"ann@example.org": "550 who?", "bob@example.org": "550 who?"}

        assert _refused(message, _alert(mailbox.port)) == "the server refused every address (550)"
    assert pauses == []


def test_a_busy_server_is_asked_again(message: Message, pauses: list[float]) -> None:
    with smtp_server() as mailbox:
        mailbox.answers = ["451 later"]

        assert send_email(message, _alert(mailbox.port), {}) == "delivered"
    assert pauses == [1.0]


def test_a_server_that_never_has_time(message: Message) -> None:
    with smtp_server() as mailbox:
        mailbox.answers = ["451 s3cr3t"] * 3

        assert _refused(message, _alert(mailbox.port)) == "the server answered 451 (3 tries)"


def test_a_refused_mail_is_final(message: Message, pauses: list[float]) -> None:
    with smtp_server() as mailbox:
        mailbox.answers = ["554 no"]

        assert _refused(message, _alert(mailbox.port)) == "the server answered 554"
    assert pauses == []


def test_a_server_that_is_down(message: Message, pauses: list[float]) -> None:
    said = _refused(message, _alert(free_port()))

    assert said == "no connection to the server (Connection refused) (3 tries)"
    assert pauses == [1.0, 4.0]


def test_a_server_that_hangs(message: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT_S", 0.2)
    # A web server waits for a request, so an SMTP client waits for its greeting.
    with http_server() as server:
        port = int(server.address.rpartition(":")[2])

        assert _refused(message, _alert(port)) == "no answer within 0.2 s (3 tries)"


@pytest.mark.security
def test_no_value_begins_another_header() -> None:
    hostile = replace(CHANGE, version="v\r\nBcc: all@example.org", moved=("x\r\n.\r\nQUIT",))
    with smtp_server() as mailbox:
        send_email(write_message(hostile), _alert(mailbox.port), {})

    mail = _only(mailbox)
    assert mail["Bcc"] is None
    assert mail["Subject"] == "digits v\\r\\nBcc: all@example.org: drift"
    assert mailbox.mails[0].rcpt_tos == ["ann@example.org", "bob@example.org"]
    assert "QUIT" in mail.get_content()
