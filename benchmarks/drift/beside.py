"""What the drift check costs the service's answers: on, off, and with detectors that fail.

    python benchmarks/drift/beside.py --bundle FOLDER [--rounds 5] [--seconds 3] [--write FILE]

Six services run at once, each in processes of its own with one worker: the check is off (twice,
so that one can see what chance does), on, or its detectors hang, raise or answer NaN at every
check. In every round each is driven once, in another order, so that whatever else the machine does
hits all alike; what counts are ratios of medians. A run is refused if a request failed, if two
services answer a picture differently, if no check was made where one should be, or if one was made
where the check is off. Prints Markdown and JSON; ``--write`` puts the table between a page's marks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

# The load generator and the servers are those of the service's own benchmark.
sys.path.append(str(Path(__file__).parents[1] / "serving"))

import servers
from bundles import photographs
from client import Round, ask, drive, get_request, multipart_request
from report import write_between_marks

_FAULTS = ("hang", "raise", "nan")
# Two services are alike, so that what differs between them is chance.
_OFF = ("off", "off, again")
MODES = (*_OFF, "on", *_FAULTS)
_N_PHOTOS, _PHOTO_PX, _N_CONNECTIONS = 16, 64, 4
# Long enough for the first check to be due.
_WARM_S, _CHECKED_WITHIN_S = 2.0, 90.0


def settings_of(mode: str) -> dict[str, str]:
    """Returns the environment of a service; where detectors fail, they are tried each second."""
    if mode in _OFF:
        return {"VISIONSTACK_DRIFT": "off"}
    if mode == "on":
        return {}
    return {
        "VISIONSTACK_DRIFT_FAULT": mode,
        "VISIONSTACK_DRIFT_TIMEOUT_S": "2",
        "VISIONSTACK_DRIFT_EVERY_S": "1",
    }


def check_parity(ports: Mapping[str, int], requests: Sequence[bytes]) -> int:
    """Returns how many pictures all services answered alike, to the last digit.

    Raises:
      SystemExit: two answers differ in label, probabilities, model or warnings.
    """
    for number, request in enumerate(requests):
        answers = {mode: _answer(port, request) for mode, port in ports.items()}
        if any(answer != answers["off"] for answer in answers.values()):
            raise SystemExit(f"picture {number}: the services disagree: {answers}")
    return len(requests)


def _answer(port: int, request: bytes) -> dict[str, Any]:
    status, body = ask(port, request)
    if status != 200:
        raise SystemExit(f"port {port} answered {status}: {body[:500]!r}")
    answer = json.loads(body)
    return {name: answer[name] for name in ("prediction", "probabilities", "model", "warnings")}


def checks_of(port: int) -> tuple[int, int, str]:
    """Returns how many checks a service made, how many failed, and its verdict."""
    page = ask(port, get_request("/metrics"))[1].decode()
    counted = [
        re.search(rf"^visionstack_{name} (\S+)", page, re.M)
        for name in ("drift_checks_total", "drift_errors_total")
    ]
    n_checks, n_errors = (int(float(found[1])) if found else 0 for found in counted)
    report = json.loads(ask(port, get_request("/drift"))[1])
    return n_checks, n_errors, str(report["verdict"]["status"])


def check_checks(checks: Mapping[str, tuple[int, int, str]]) -> None:
    """Checks that every service was in the state that it is named after.

    Raises:
      SystemExit: one was not.
    """
    for mode, (n_checks, n_errors, status) in checks.items():
        is_right = {
            **dict.fromkeys(_OFF, (n_checks, status) == (0, "unknown")),
            "on": n_checks > 0 and n_errors == 0 and status in ("ok", "drift"),
        }.get(mode, n_checks > 0 and n_errors == n_checks and status == "error")
        if not is_right:
            raise SystemExit(f"{mode}: {n_checks} checks, {n_errors} failed, verdict {status}")


def measure(bundle: Path, folder: Path, n_rounds: int, seconds: float) -> dict[str, Any]:
    """Drives all services in every round and returns the figures."""
    photos = photographs(_N_PHOTOS, _PHOTO_PX)
    requests = [multipart_request("/predict", photo, {}) for photo in photos]
    rounds: dict[str, list[Round]] = {mode: [] for mode in MODES}
    with ExitStack() as stack:
        ports = {}
        for mode in MODES:
            server = servers.service(bundle, folder / mode, settings_of(mode))
            ports[mode] = stack.enter_context(server).port
        n_alike = check_parity(ports, requests)
        for port in ports.values():
            drive(port, requests, _N_CONNECTIONS, _WARM_S)
        _wait_for_checks([ports[mode] for mode in MODES if mode not in _OFF])
        for number in range(n_rounds):
            first = number % len(MODES)
            for mode in (*MODES[first:], *MODES[:first]):
                rounds[mode].append(drive(ports[mode], requests, _N_CONNECTIONS, seconds))
        n_alike += check_parity(ports, requests)
        checks = {mode: checks_of(port) for mode, port in ports.items()}
    n_failed = sum(each.n_failed for of_mode in rounds.values() for each in of_mode)
    if n_failed:
        raise SystemExit(f"{n_failed} requests failed")
    check_checks(checks)
    return {
        "n_alike": n_alike,
        "n_failed": n_failed,
        "load_average": round(os.getloadavg()[0], 1),
        "modes": {mode: _figures(rounds[mode], rounds["off"], checks[mode]) for mode in MODES},
    }


def _wait_for_checks(ports: Sequence[int]) -> None:
    """Waits until each service has made a check, so that opening the detectors is over."""
    ends = time.perf_counter() + _CHECKED_WITHIN_S
    while any(checks_of(port)[0] == 0 for port in ports) and time.perf_counter() < ends:
        time.sleep(0.5)


def _figures(rounds: list[Round], off: list[Round], checks: tuple[int, int, str]) -> dict[str, Any]:
    def ms(measured: list[Round], share: float) -> float:
        return 1e3 * median(each.quantile_s(share) for each in measured)

    return {
        "n_requests": sum(len(each.latencies_s) for each in rounds),
        "p50_ms": ms(rounds, 0.5),
        "p99_ms": ms(rounds, 0.99),
        "p50_to_off": ms(rounds, 0.5) / ms(off, 0.5),
        "p99_to_off": ms(rounds, 0.99) / ms(off, 0.99),
        "p99_ms_rounds": [round(1e3 * each.quantile_s(0.99), 1) for each in rounds],
        "n_checks": checks[0],
        "n_errors": checks[1],
    }


def as_table(figures: Mapping[str, Any]) -> str:
    """Returns the Markdown table."""
    lines = [
        "| the check | requests | p50 in ms | p99 in ms | p50 : off | p99 : off | checks, failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for mode, found in figures["modes"].items():
        said = f"detectors: `{mode}`" if mode in _FAULTS else mode
        lines.append(
            f"| {said} | {found['n_requests']:,} | {found['p50_ms']:.1f} | {found['p99_ms']:.1f} | "
            f"{found['p50_to_off']:.2f} | {found['p99_to_off']:.2f} | "
            f"{found['n_checks']}, {found['n_errors']} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.bundle, Path(folder), options.rounds, options.seconds)
    figures["seconds"] = round(time.perf_counter() - started)
    print(as_table(figures))
    print(json.dumps(figures, indent=1))
    if options.write is not None:
        write_between_marks(options.write, "beside", as_table(figures))


if __name__ == "__main__":
    main()
