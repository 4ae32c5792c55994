"""The service of the demonstration: started where there is none, left alone where there is one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipelines import demo
from tests.servers import free_port

pytestmark = pytest.mark.integration

# Answers every path with the status of its first argument, on the port of its last one.
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(sys.argv[1]))
        self.end_headers()

server = HTTPServer(("127.0.0.1", int(sys.argv[-1])), Handler)
print("started", sys.argv, flush=True)
server.serve_forever()
"""


@pytest.fixture
def port() -> int:
    return free_port()


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Has another program be started in place of ``bentoml``."""
    program = tmp_path / "bin" / "bentoml"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(demo.sys, "executable", str(program.with_name("python")))


@pytest.fixture
def server(tmp_path: Path, port: int, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers with the status of the parameter."""
    command = [sys.executable, "-c", SERVER, str(request.param), str(port)]
    address, log = f"http://127.0.0.1:{port}", tmp_path / "server.txt"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("started")
        log.write_text("")
        yield address
        process.kill()


@pytest.mark.parametrize("server", [200], indirect=True)
def test_one_that_runs_is_left_alone(server: str, port: int, home: Path) -> None:
    with demo.service_on(port) as was_started:
        assert not was_started
    assert httpx.get(f"{server}/livez").status_code == 200
    assert not (home / "logs").exists()


@pytest.mark.parametrize("server", [404], indirect=True)
def test_another_program_on_the_port_is_named(
    server: str, port: int, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(["--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"another program answers at {server} (GET /livez: 404); choose another port: "
        f"make demo PORT={port + 1}\n"
    )


def test_one_is_started_and_stopped(
    tmp_path: Path, port: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    stand_in(tmp_path, monkeypatch, f'exec {sys.executable} {tmp_path}/server.py 200 "$@"')
    with demo.service_on(port) as was_started:
        assert was_started
        assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/livez")
    assert f"'serve', '--port', '{port}'" in (home / "logs" / "demo-service.txt").read_text()


def test_one_that_does_not_start_is_quoted(
    tmp_path: Path, port: int, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "seq 1 9\necho no such thing\nexit 3")
    with pytest.raises(demo.NoService) as caught, demo.service_on(port):
        pass
    assert str(caught.value).splitlines() == [
        "the service did not start; it said:",
        *("6", "7", "8", "9", "no such thing"),
        f"all of it: {home}/logs/demo-service.txt",
    ]


def test_the_pipeline_rolls_out_to_it_and_its_code_is_passed_on(
    tmp_path: Path,
    port: int,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    stand_in(tmp_path, monkeypatch, f'exec {sys.executable} {tmp_path}/server.py 200 "$@"')
    program = tmp_path / "bin" / "python"
    program.write_text('#!/bin/sh\necho "$@"\nexit ${CODE:-0}\n')
    program.chmod(0o755)
    assert demo.main(["--port", str(port), "--set", "training.epochs=1"]) == 0
    assert capfd.readouterr().out.splitlines()[-2:] == [
        "run.py --config configs/full.yaml --set "
        f"deployment.services=[http://127.0.0.1:{port}] --set training.epochs=1",
        f"The service of the demonstration has stopped. Start yours: make serve PORT={port}",
    ]
    monkeypatch.setenv("CODE", "3")
    assert demo.main(["--port", str(port)]) == 3
    assert "Start yours" not in capfd.readouterr().out
