"""Tests of serving/access/listening.py: with sockets of this process, and of a real server."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from serving.access.listening import is_loopback, listening_hosts
from tests.serving.access.door import door
from vision.home import repository

# A process of its own has no listening sockets but those that it is given.
ASK = "from serving.access import listens_on_loopback; print(listens_on_loopback())"


def listening(host: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    found = socket.socket(family)
    found.bind((host, 0))
    found.listen()
    return found


def answer_of_child(*hosts: str) -> str:
    """What a process says that inherited sockets bound to ``hosts``, as a worker does."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(listening(host, socket.AF_INET6 if ":" in host else socket.AF_INET))
            for host in hosts
        ]
        done = subprocess.run(
            [sys.executable, "-c", ASK],
            cwd=repository(),
            pass_fds=[each.fileno() for each in sockets],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ((), "None"),
        (("127.0.0.1",), "True"),
        (("127.0.0.1", "127.0.0.2"), "True"),
        (("0.0.0.0",), "False"),
        (("127.0.0.1", "0.0.0.0"), "False"),
        (("::1",), "True"),
        (("::",), "False"),
    ],
)
def test_inherited_sockets_are_asked(hosts: tuple[str, ...], expected: str) -> None:
    try:
        assert answer_of_child(*hosts) == expected
    except OSError as error:
        pytest.skip(f"this machine cannot listen on {hosts}: {error}")


def test_only_listening_tcp_sockets_count() -> None:
    before = listening_hosts()
    with listening("127.0.0.3") as found, socket.socket() as idle:
        idle.bind(("127.0.0.4", 0))
        with socket.socket() as client:
            client.connect(found.getsockname())
            added = list(listening_hosts())
            for host in before:
                added.remove(host)
            assert added == ["127.0.0.3"]
        assert found.fileno() >= 0
        os.fstat(found.fileno())  # still open
    assert listening_hosts() == before


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("app.localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.integration
@pytest.mark.parametrize(
    ("options", "variable", "status"),
    [(["--host", "127.0.0.1"], "0.0.0.0", 200), ([], "0.0.0.0", 401)],
    ids=["option", "variable"],
)
def test_se01_a_worker_of_bentoml_serve_knows_where_it_listens(
    options: list[str], variable: str, status: int, tmp_path: Path
) -> None:
    environment = {"BENTOML_HOST": variable, "DOOR_WORKERS": "2"}
    with door(tmp_path, *options, environment=environment) as server:
        # Each worker has an answer of its own.
        answers = [server.client.get("/model") for _ in range(10)]
        assert {answer.status_code for answer in answers} == {status}
        if status == 401:
            detail = answers[0].json()["detail"]
            assert "set VISIONSTACK_API_KEY where it is started" in detail
            assert "reached from other machines" in detail
        assert server.client.get("/livez").status_code == 200
        assert server.client.get("/readyz").status_code == 200
