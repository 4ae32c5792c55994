"""How the service compares with the conventional path and with a bare server, side by side.

    python benchmarks/serving/compare.py [--case small|resnet50|costs]... [--rounds 5]
        [--seconds 5] [--connections 8] [--bundle FOLDER] [--write docs/performance.md]

Each server runs in processes of its own with one worker. Rounds are interleaved: in every round
each load is driven once, so that whatever else the machine does hits all alike; what counts are
ratios of medians. Before any load, all servers classify the same photographs, and a run is refused
unless they agree. Prints Markdown and JSON; ``--write`` puts the tables between a page's marks.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import costs
import servers
from bundles import make_bundle, photographs
from client import Round, drive, multipart_request
from parity import check_parity
from report import median_of, write_between_marks, write_costs, write_loads

ARCHITECTURES = {"small": ("small_cnn", 32), "resnet50": ("resnet50", 224)}
PHOTO_PX = 224
_N_PHOTOS = 16


@dataclass(frozen=True)
class Load:
    """What one server is asked, and what came of it.

    Attributes:
      name: as the table has it.
      server: which server.
      options: of the form, one set for each request that makes up an answer.
      rounds: one for each round.
      cpu_ms: processor time of the server for an answer, in each round.
    """

    name: str
    server: str
    options: tuple[dict[str, str], ...] = ({},)
    rounds: list[Round] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def n_requests(self) -> int:
        """Requests that make up one answer."""
        return len(self.options)


def loads() -> tuple[Load, ...]:
    """Returns the loads; the conventional path answers image, heatmap and overlay at once."""
    pair = tuple({"explain": kind, "format": "png"} for kind in ("overlay", "heatmap"))
    return (
        Load("conventional, three PNGs", "baseline", ({"explain": "overlay"},)),
        Load("conventional, no picture", "baseline"),
        Load("bare server, no picture", "bare"),
        Load("service, PNG overlay and PNG heatmap (two requests)", "service", pair),
        Load("service, PNG overlay", "service", pair[:1]),
        Load("service, JPEG overlay", "service", ({"explain": "overlay", "format": "jpeg"},)),
        Load("service, no picture", "service"),
    )


def measure(
    bundle: Path, folder: Path, n_rounds: int, seconds: float, n_connections: int
) -> dict[str, Any]:
    """Runs every load in every round and returns the figures."""
    photos = photographs(_N_PHOTOS, PHOTO_PX)
    measured = loads()
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(start(bundle, folder / name))
            for name, start in (
                ("service", servers.service),
                ("bare", servers.bare),
                ("baseline", servers.baseline),
            )
        }
        ports = {name: server.port for name, server in running.items()}
        difference = check_parity(ports, photos)
        for number in range(-1, n_rounds):
            for load in measured:
                requests = [
                    multipart_request("/predict", photo, options)
                    for photo in photos
                    for options in load.options
                ]
                # The first time is for warming up, and is not kept.
                lasts = seconds if number >= 0 else 1.0
                before_s = running[load.server].cpu_s()
                found = drive(ports[load.server], requests, n_connections, lasts)
                if number >= 0:
                    used_s = running[load.server].cpu_s() - before_s
                    load.rounds.append(found)
                    load.cpu_ms.append(1e3 * used_s * load.n_requests / len(found.latencies_s))
        memory_mb = {name: server.memory_mb() for name, server in running.items()}
        ready_s = {name: server.ready_s for name, server in running.items()}
    return {
        "largest_difference": difference,
        "memory_mb": memory_mb,
        "ready_s": ready_s,
        "loads": [_figures(load) for load in measured],
    }


def _figures(load: Load) -> dict[str, Any]:
    n = load.n_requests
    return {
        "name": load.name,
        "answers_per_s": median_of(each.per_second / n for each in load.rounds),
        "p50_ms": median_of(each.quantile_s(0.5) * 1e3 * n for each in load.rounds),
        "p99_ms": median_of(each.quantile_s(0.99) * 1e3 * n for each in load.rounds),
        "cpu_ms": median_of(load.cpu_ms),
        "n_answers": sum(len(each.latencies_s) for each in load.rounds) // n,
        "n_failed": sum(each.n_failed for each in load.rounds),
    }


def main(arguments: Sequence[str]) -> None:
    """Measures the cases that were asked for and prints, and writes, what was found."""
    asked = _parse(arguments)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for case in asked.case or [*ARCHITECTURES, "costs"]:
            name = "small" if case == "costs" else case
            bundle = asked.bundle or make_bundle(folder / f"images-{case}", *ARCHITECTURES[name])
            if case == "costs":
                result[case] = costs.measure(bundle, folder / case, asked.seconds)
                table = write_costs(result[case])
            else:
                work = (bundle, folder / case, asked.rounds, asked.seconds, asked.connections)
                result[case] = measure(*work)
                table = write_loads(result[case], asked)
            print(table, flush=True)
            if asked.write:
                write_between_marks(asked.write, case, table)
    print(json.dumps(result))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", action="append", choices=[*ARCHITECTURES, "costs"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--write", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
