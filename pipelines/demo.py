"""The demonstration: from images to a service that answers, on a machine that has nothing yet.

    python -m pipelines.demo [--port 3000] [OPTIONS OF run.py]

Runs ``configs/full.yaml`` with a service on the port. Where none runs there, one is started, and
stopped in the end; what it said is in ``home()/logs/demo-service.txt``.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from vision.home import folder, repository

CONFIG = "configs/full.yaml"
LOG = "demo-service.txt"

_FAILED = 1
_ANSWERS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 30.0
_LOOKS_EVERY_S = 0.1
_LINES_SHOWN = 5
_ALIVE, _NOBODY = "alive", "nobody"


class NoService(Exception):
    """No service answers on the port, and none can be started there."""


def main(arguments: Sequence[str]) -> int:
    """Runs the demonstration; returns the exit code of run.py."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo", allow_abbrev=False)
    parser.add_argument("--port", type=int, default=3000, help="where the service answers")
    options, rest = parser.parse_known_args(arguments)
    address = f"http://127.0.0.1:{options.port}"
    command = [sys.executable, "run.py", "--config", CONFIG]
    command += ["--set", f"deployment.services=[{address}]", *rest]
    try:
        with service_on(options.port) as was_started:
            code = subprocess.run(command, cwd=repository(), check=False).returncode
    except NoService as error:
        print(error, file=sys.stderr)
        return _FAILED
    if was_started and code == 0:
        print(f"The service of the demonstration has stopped. Start yours: make {_serve(options)}")
    return code


def _serve(options: argparse.Namespace) -> str:
    return "serve" if options.port == 3000 else f"serve PORT={options.port}"


@contextmanager
def service_on(port: int) -> Iterator[bool]:
    """Has a service answer on a port inside the block; one that is there already is left alone.

    Yields:
      whether it was started here.

    Raises:
      NoService: another program listens on the port, or the service does not start.
    """
    address = f"http://127.0.0.1:{port}"
    if (found := _ask(address)) == _ALIVE:
        yield False
        return
    if found != _NOBODY:
        raise NoService(
            f"another program answers at {address} ({found}); choose another port: "
            f"make demo PORT={port + 1}"
        )
    log = folder("logs") / LOG
    with log.open("wb") as output:
        # A session of its own: Ctrl-C is for the pipeline, and the service is stopped below.
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("bentoml")), "serve", "--port", str(port)],
            cwd=repository(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, address, log)
        yield True
    finally:
        _stop(process)


def _ask(address: str) -> str:
    """Returns whether a service answers, which need not have a model yet, nobody, or what else."""
    try:
        response = httpx.get(f"{address}/livez", timeout=5.0, trust_env=False)
    except httpx.ConnectError:
        return _NOBODY
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return _ALIVE if response.status_code == 200 else f"GET /livez: {response.status_code}"


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    # Its port is open before a worker answers, so that it may be slow at first.
    while time.monotonic() < deadline and process.poll() is None:
        if _ask(address) == _ALIVE:
            return
        time.sleep(_LOOKS_EVERY_S)
    said = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
    raise NoService("\n".join(["the service did not start; it said:", *said, f"all of it: {log}"]))


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
