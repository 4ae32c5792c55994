"""Webhooks against a real server: taken, down, busy, silent, untrusted; the address is secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alert_servers import HttpServer, http_server
from tests.servers import free_port
from vision.config.alerts import AlertConfig
from vision.monitoring.alerts import delivery
from vision.monitoring.alerts.delivery import NotDelivered
from vision.monitoring.alerts.message import Message
from vision.monitoring.alerts.shapes import shape_payload
from vision.monitoring.alerts.webhook import send_webhook

pytestmark = pytest.mark.integration

ALERT = AlertConfig(kind="webhook", shape="slack", url_from="CHAT_URL")
SECRET = "/services/T0/B0/s3cr3t"


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def _refused(message: Message, url: str) -> str:
    with pytest.raises(NotDelivered) as caught:
        send_webhook(message, ALERT, {"CHAT_URL": url})
    said = str(caught.value)
    assert "s3cr3t" not in said
    # Nothing that a traceback would show holds it either.
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return said


@pytest.mark.parametrize("status", [200, 202, 204])
def test_it_arrives_once_as_json(message: Message, server: HttpServer, status: int) -> None:
    server.answers = [status]

    said = send_webhook(message, ALERT, {"CHAT_URL": f"{server.address}{SECRET}\n"})

    assert said == f"delivered, the server answered {status}"
    [(path, headers, values)] = server.posts
    assert path == SECRET
    assert headers["Content-Type"] == "application/json"
    assert values == shape_payload("slack", message)


@pytest.mark.parametrize("busy", [500, 502, 503, 429])
def test_a_busy_server_is_asked_again(
    message: Message, server: HttpServer, pauses: list[float], busy: int
) -> None:
    server.answers = [busy, 200]

    said = send_webhook(message, ALERT, {"CHAT_URL": server.address + SECRET})

    assert said == "delivered, the server answered 200"
    assert len(server.posts) == 2
    assert pauses == [1.0]


def test_it_gives_up_after_three_tries(
    message: Message, server: HttpServer, pauses: list[float]
) -> None:
    server.answers = [500]

    assert _refused(message, server.address + SECRET) == "the server answered 500 (3 tries)"
    assert len(server.posts) == 3
    assert pauses == [1.0, 4.0]


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_final(message: Message, server: HttpServer, status: int) -> None:
    server.answers = [status]

    said = _refused(message, server.address + SECRET)

    assert said == f"the server answered {status}; check the address and the alert's shape"
    assert len(server.posts) == 1


@pytest.mark.security
def test_a_redirect_is_not_followed(message: Message, server: HttpServer) -> None:
    server.answers = [302]

    assert "answered 302" in _refused(message, server.address + SECRET)
    assert [path for path, _, _ in server.posts] == [SECRET]


def test_a_server_that_is_down(message: Message, pauses: list[float]) -> None:
    said = _refused(message, f"http://127.0.0.1:{free_port()}{SECRET}")

    assert said == "no connection to the server (Connection refused) (3 tries)"
    assert pauses == [1.0, 4.0]


def test_a_server_that_hangs(
    message: Message, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT_S", 0.2)
    server.silent.set()

    assert _refused(message, server.address + SECRET) == "no answer within 0.2 s (3 tries)"


def test_what_never_answered_is_waited_for_ten_seconds() -> None:
    assert delivery.TIMEOUT_S == 10.0


def test_a_server_that_does_not_speak_http(message: Message) -> None:
    from tests.alert_servers import smtp_server

    with smtp_server() as other:
        said = _refused(message, f"http://127.0.0.1:{other.port}{SECRET}")

    assert said == "no answer that is HTTP (BadStatusLine) (3 tries)"


@pytest.mark.security
def test_a_self_signed_certificate_is_refused(
    message: Message, certificate: tuple[Path, Path]
) -> None:
    with http_server(certificate) as server:
        said = _refused(message, server.address + SECRET)

        assert said.startswith("the server's certificate is not trusted (code 18); ")
        assert said.endswith("name its file in SSL_CERT_FILE")
        assert server.posts == []


def test_a_certificate_of_an_own_authority_is_taken_where_it_is_named(
    message: Message, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with http_server(certificate) as server:
        send_webhook(message, ALERT, {"CHAT_URL": server.address + SECRET})

        assert len(server.posts) == 1


@pytest.mark.security
@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.org/s3cr3t",
        "file:///etc/s3cr3t",
        "ftp://example.org/s3cr3t",
        "https:///s3cr3t",
        "https://example.org:99999/s3cr3t",
        "https://example.org/s3cr3t and more",
        "https://example.org/s3cr3t\r\nHost: x",
        "https://user:s3cr3t@example.org/",
        "https://[::1/s3cr3t",
        "https://example.org/s3cr3té",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(message: Message, url: str) -> None:
    assert _refused(message, url) == (
        "the environment variable CHAT_URL holds no address of the form https://host/path; copy "
        "it again from the service"
    )


@pytest.mark.parametrize("environment", [{}, {"CHAT_URL": " \n"}])
def test_a_variable_that_is_not_set_is_named(message: Message, environment: dict[str, str]) -> None:
    with pytest.raises(NotDelivered, match="variable CHAT_URL is not set; export it"):
        send_webhook(message, ALERT, environment)
