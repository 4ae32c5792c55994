"""Writes figures as Markdown, with the machine they were measured on."""

from __future__ import annotations

import argparse
import os
import platform
import re
import statistics
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("bentoml", "uvicorn", "onnxruntime", "opencv-python-headless", "tensorflow", "keras")


def median_of(values: Iterable[float]) -> float:
    """Returns the median."""
    return statistics.median(list(values))


def write_loads(figures: dict[str, Any], asked: argparse.Namespace) -> str:
    """Returns the tables of one comparison."""
    by_name = {load["name"]: load for load in figures["loads"]}
    whole = by_name["conventional, three PNGs"]
    rows = [_row(load, whole) for load in figures["loads"]]
    plain = by_name["service, no picture"]["answers_per_s"]
    alike = plain / by_name["conventional, no picture"]["answers_per_s"]
    to_bare = plain / by_name["bare server, no picture"]["answers_per_s"]
    by_cpu = by_name["bare server, no picture"]["cpu_ms"] / by_name["service, no picture"]["cpu_ms"]
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in figures["memory_mb"].items())
    return "\n".join(
        (
            _machine(),
            "",
            f"{asked.rounds} interleaved rounds of {asked.seconds:g} s, {asked.connections} "
            "connections, one worker each, photographs of 224 px as JPEG. Ratios are to the "
            "conventional path with its pictures.",
            "",
            "| load | answers/s | p50 ms | p99 ms | processor ms | × answers/s | × lower p99 | "
            "failed |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"Without pictures on either side the service answers {alike:,.1f} × as many; of the "
            f"bare server's throughput it reaches {to_bare:.2f}, by processor time {by_cpu:.2f}.",
            f"Probabilities differ by {figures['largest_difference']:.1e} at most between the "
            f"servers. Memory of a worker in MB after the load: {memory}.",
        )
    )


def _row(load: dict[str, Any], whole: dict[str, Any]) -> str:
    return (
        f"| {load['name']} | {load['answers_per_s']:,.1f} | {load['p50_ms']:,.1f} | "
        f"{load['p99_ms']:,.1f} | {load['cpu_ms']:,.1f} | "
        f"{load['answers_per_s'] / whole['answers_per_s']:,.1f} | "
        f"{whole['p99_ms'] / load['p99_ms']:,.1f} | {load['n_failed']} |"
    )


def write_costs(figures: dict[str, Any]) -> str:
    """Returns the tables of what single choices cost."""
    threads = [
        f"| {row['n_threads']} | {'on' if row['is_spinning'] else 'off'} | {row['n_callers']} | "
        f"{row['calls_per_s']:,.0f} | {row['cpu_ms']:.2f} |"
        for row in figures["threads"]
    ]
    batches = [
        f"| {row['architecture']} | {row['n_images']} | {row['ms_per_image']:.2f} |"
        for row in figures["batches"]
    ]
    service = figures["service"]
    cpu, p50 = service["cpu_ms"], service["p50_ms"]
    return "\n".join(
        (
            _machine(),
            "",
            f"Ready {service['ready_s']:.1f} s after the start; {service['memory_mb']:.0f} MB a "
            f"worker. Log and drift checks add {p50['with'] - p50['without']:+.2f} ms to the "
            f"median latency on one connection ({p50['without']:.2f} ms), and at full load "
            f"{cpu['with'] - cpu['without']:+.2f} ms of processor time, on threads of their own, "
            f"to the {cpu['without']:.2f} ms of a request.",
            "",
            "| threads a call | spinning | callers | calls/s | processor ms a call |",
            "|---|---|---|---|---|",
            *threads,
            "",
            "| network | images a call | processor ms an image |",
            "|---|---|---|",
            *batches,
        )
    )


def write_between_marks(page: Path, name: str, text: str) -> None:
    """Replaces what stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->`` of a page.

    Raises:
      SystemExit: the page has no such marks.
    """
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    written, n_found = marks.subn(lambda found: f"{found[1]}{text}\n{found[2]}", page.read_text())
    if n_found != 1:
        raise SystemExit(
            f"{page} must have the marks of {name!r} once and has them {n_found} times"
        )
    page.write_text(written)


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_cpu()}, {len(os.sched_getaffinity(0))} cores, "
        f"Python {platform.python_version()}, {packages}."
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
