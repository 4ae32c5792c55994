"""What the drift check costs a request, against alibi-detect's KSDrift called in each request.

    python benchmarks/drift/cost.py --bundle FOLDER [--rounds 7]

Rows are drawn from the reference set of the bundle. Four things are timed, interleaved, so that
whatever else the machine does hits all alike; what counts are ratios of medians over the rounds:

* ``request``: what a request does here, ``DriftCheck.add``;
* ``amortised``: one whole check (all views, all window sizes), divided by ``every_n``;
* ``one_detector``: ``KSDrift.predict`` of one embedding (UAE) on a window of 200, in each request;
* ``same_tests``: every test of a whole check by alibi-detect, in each request.

Before that, both must give the same p-values of KS for every column of every view and size; the
run is refused otherwise. Prints JSON: milliseconds and ratios.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from serving.drift.check import DriftCheck
from serving.record import PredictionRecord
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel
from vision.config import DriftConfig
from vision.drift.backend import open_backend
from vision.drift.detectors import DriftDetectors, calibrate, read_detectors
from vision.drift.names import VECTORS
from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError

_TOLERANCE = 1e-5
_ONE_WINDOW = 200
# DriftCheck takes so many before its thread has to empty it.
_N_RECORDS = 400


class InRequest:
    """alibi-detect as it is used without a check beside the service."""

    def __init__(self, reference: DriftRows, views: Sequence[str]) -> None:
        """Makes one detector a view, and another for the classes."""
        from alibi_detect.cd import ChiSquareDrift, KSDrift

        self._detectors: dict[str, Any] = {
            view: KSDrift(reference.view(view).astype(np.float64))
            for view in views
            if view != "classes"
        }
        if "classes" in views:
            self._detectors["classes"] = ChiSquareDrift(reference.classes[:, None])

    def p_values(self, view: str, window: DriftRows) -> Any:
        """Returns the p-value of each column."""
        rows = window.view(view)
        rows = rows[:, None] if rows.ndim == 1 else rows.astype(np.float64)
        found = self._detectors[view].predict(rows, drift_type="feature", return_p_val=True)
        return np.asarray(found["data"]["p_val"])

    def all_tests(self, window: DriftRows, sizes: Sequence[int]) -> None:
        """Makes every test of a whole check."""
        for view in self._detectors:
            for size in sizes:
                self.p_values(view, window.newest(size))


def check_parity(
    reference: DriftRows, in_request: InRequest, window: DriftRows, sizes: Sequence[int]
) -> float:
    """Returns the largest difference of a p-value of KS, over all columns, views and sizes.

    Raises:
      SystemExit: one differs by more than 1e-5.
    """
    backend, worst = open_backend("scipy"), 0.0
    for view in VECTORS:
        tester = backend.columns("ks", reference.view(view).astype(np.float64))
        for size in sizes:
            rows = window.newest(size)
            ours = tester.test(rows.view(view).astype(np.float64)).p_values
            worst = max(worst, float(np.abs(ours - in_request.p_values(view, rows)).max()))
    if worst > _TOLERANCE:
        raise SystemExit(f"p-values of KS differ by {worst:.3g}, allowed are {_TOLERANCE:g}")
    return worst


def as_records(serving: ServingModel, rows: DriftRows) -> list[PredictionRecord]:
    """Returns rows as what a request hands over."""
    manifest = serving.manifest
    pixels = np.zeros((*manifest.input_size, 3), np.uint8)
    probabilities = np.full(len(manifest.classes), 1 / len(manifest.classes), np.float32)
    return [
        PredictionRecord(
            request_id=f"r{index}",
            model_name=manifest.name,
            model_version=manifest.version,
            label=manifest.classes[rows.classes[index]],
            probability=1.0,
            is_abstained=False,
            classes=manifest.classes,
            probabilities=probabilities,
            embedding_uae=rows.uae[index].astype(np.float32),
            embedding_bbsd=rows.bbsd[index].astype(np.float32),
            embedding_penultimate=rows.penultimate[index].astype(np.float32),
            pixels=pixels,
            data=b"",
            latency_s=0.0,
        )
        for index in range(len(rows))
    ]


def time_adding(records: Sequence[PredictionRecord]) -> float:
    """Returns the milliseconds of one ``DriftCheck.add``."""
    check = DriftCheck(ServiceSettings(), lambda record: None)
    started = time.perf_counter()
    for record in records:
        check.add(record)
    return (time.perf_counter() - started) / len(records) * 1e3


def timed_ms(work: Callable[[], object], n_times: int) -> float:
    """Returns the milliseconds of one call."""
    started = time.perf_counter()
    for _ in range(n_times):
        work()
    return (time.perf_counter() - started) / n_times * 1e3


def main(arguments: Sequence[str] | None = None) -> None:
    """Times everything and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    serving = ServingModel.load(options.bundle)
    reference = read_reference(options.bundle / "reference.parquet")
    try:
        file = read_detectors(options.bundle)
    except BundleError:
        file = calibrate(reference, len(serving.manifest.classes), DriftConfig(backend="scipy"))
    detectors = DriftDetectors(file.model_copy(update={"backend": "scipy"}), reference)
    drawn = np.random.default_rng(0).integers(len(reference), size=max(file.sizes))
    window = reference.take(drawn)
    in_request = InRequest(reference, file.views)
    difference = check_parity(reference, in_request, window, file.sizes)
    records = as_records(serving, reference.take(np.resize(drawn, _N_RECORDS)))
    one = window.newest(_ONE_WINDOW)
    rounds = [
        {
            "request": time_adding(records),
            "amortised": timed_ms(lambda: detectors.check(window), 10) / file.every_n,
            "one_detector": timed_ms(lambda: in_request.p_values("uae", one), 10),
            "same_tests": timed_ms(lambda: in_request.all_tests(window, file.sizes), 3),
        }
        for _ in range(options.rounds)
    ]
    ms = {name: median(each[name] for each in rounds) for name in rounds[0]}
    beside = ms["request"] + ms["amortised"]
    ratios = {
        "one_detector / request": ms["one_detector"] / ms["request"],
        "same_tests / request": ms["same_tests"] / ms["request"],
        "one_detector / (request + amortised)": ms["one_detector"] / beside,
        "same_tests / (request + amortised)": ms["same_tests"] / beside,
    }
    print(
        json.dumps(
            {
                "model": serving.manifest.name,
                "n_reference": len(reference),
                "every_n": file.every_n,
                "rounds": options.rounds,
                "largest_difference_of_p": difference,
                "milliseconds": {name: round(value, 5) for name, value in ms.items()},
                "ratios": {name: round(value, 1) for name, value in ratios.items()},
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
