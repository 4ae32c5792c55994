"""What the drift check costs a request, against alibi-detect's KSDrift called in each request.

    python benchmarks/drift/cost.py --bundle FOLDER [--rounds 7]

Rows are drawn from the reference set of the bundle. Four things are timed, interleaved, so that
whatever else the machine does hits all alike; what counts are ratios of medians over the rounds:

* ``request``: what a request does here, ``DriftCheck.add``;
* ``amortised_scipy``, ``amortised_alibi``: one whole check (all views, all window sizes) by that
  backend, divided by ``every_n``;
* ``one_detector``: ``KSDrift.predict`` of one embedding (UAE) on a window of 200, in each request;
* ``same_tests``: every test of a whole check by alibi-detect, in each request.

Before that, both must give the same p-values of KS for every column of every view and size; the
run is refused otherwise. Prints JSON: milliseconds and ratios; and of the checking process with
each backend its memory in MB (resident, and proportional: common pages shared out) and the
processor seconds of one check.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil

from serving.drift.check import DriftCheck
from serving.drift.checking import CheckingProcess
from serving.drift.making import layout_of, make_rows
from serving.drift.version import LOADS_WITHIN_S
from serving.drift.window import Window
from serving.record import PredictionRecord
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel
from vision.config import DriftConfig
from vision.drift.backend import open_backend
from vision.drift.detector_file import DetectorFile
from vision.drift.detectors import DriftDetectors, calibrate, read_detectors, write_detectors
from vision.drift.names import VECTORS
from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError

BACKENDS = ("scipy", "alibi")

_TOLERANCE = 1e-5
_ONE_WINDOW = 200
# DriftCheck takes so many before its thread has to empty it.
_N_RECORDS = 500


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


def measure_process(
    bundle: Path, file: DetectorFile, backend: str, records: Sequence[PredictionRecord]
) -> dict[str, float]:
    """Returns memory and processor time of the real checking process, after three checks."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "bundle"
        shutil.copytree(bundle, copy)
        shutil.rmtree(copy / "drift", ignore_errors=True)
        write_detectors(copy, file.model_copy(update={"backend": backend}))
        layout = layout_of(records[0])
        window = Window(Path(folder) / "window", max(file.sizes))
        window.append(make_rows(records, layout), layout)
        process, costs_s = CheckingProcess(), []
        question = {"window": str(window.path), "most": None}
        try:
            for asked in ({"load": str(copy)}, *[question] * 3):
                process.ask(asked, LOADS_WITHIN_S)
                while process.poll(wait_s=1.0) is None:
                    continue
                costs_s.append(process.cost_s)
            memory = psutil.Process(process.pid).memory_full_info()
        finally:
            process.end()
            window.close()
    found = {
        "resident_mb": memory.rss / 1e6,
        "proportional_mb": memory.pss / 1e6,
        "opening_cpu_s": costs_s[0],
        "check_cpu_s": median(costs_s[1:]),
    }
    return {name: round(value, 3) for name, value in found.items()}


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
    detectors = {
        name: DriftDetectors(file.model_copy(update={"backend": name}), reference)
        for name in BACKENDS
    }
    drawn = np.random.default_rng(0).integers(len(reference), size=max(file.sizes))
    window = reference.take(drawn)
    in_request = InRequest(reference, file.views)
    difference = check_parity(reference, in_request, window, file.sizes)
    records = as_records(serving, reference.take(np.resize(drawn, _N_RECORDS)))
    one = window.newest(_ONE_WINDOW)

    def check_by(backend: str) -> Callable[[], object]:
        return lambda: detectors[backend].check(window)

    rounds = [
        {
            "request": time_adding(records),
            "amortised_scipy": timed_ms(check_by("scipy"), 10) / file.every_n,
            "amortised_alibi": timed_ms(check_by("alibi"), 2) / file.every_n,
            "one_detector": timed_ms(lambda: in_request.p_values("uae", one), 10),
            "same_tests": timed_ms(lambda: in_request.all_tests(window, file.sizes), 3),
        }
        for _ in range(options.rounds)
    ]
    ms = {name: median(each[name] for each in rounds) for name in rounds[0]}
    ratios = {}
    for mine in ("one_detector", "same_tests"):
        ratios[f"{mine} / request"] = ms[mine] / ms["request"]
        for name in BACKENDS:
            beside = ms["request"] + ms[f"amortised_{name}"]
            ratios[f"{mine} / (request + amortised_{name})"] = ms[mine] / beside
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
                "checking_process": {
                    name: measure_process(options.bundle, file, name, records) for name in BACKENDS
                },
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
