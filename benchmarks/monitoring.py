"""How long monitoring takes over logs of several sizes, and whether its memory stays flat.

    python benchmarks/monitoring.py BUNDLE [n_predictions ...]

BUNDLE is the folder of a bundle with drift detectors, such as ``.local/bundles/digits/VERSION``.
For each size (default 10,000, 100,000 and 1,000,000) it writes a sqlite log of seven days with
predictions drawn from the bundle's reference set, one in twenty with a true label, and runs in a
process of its own what the steps of the pipeline run: read, test, compare properties, judge, draw.
ZenML's own time, about a second a step, is not in it. Prints a line of JSON for each size: seconds
by the clock and of the processor, which differ where the machine does something else as well, and
the most memory that the process held.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.log.entry import Entry

SIZES = (10_000, 100_000, 1_000_000)
DAYS = 7
PER_LABEL = 20
_BATCH = 5_000
_N_MMD = 1_000


def fill(address: str, bundle: Path, n_rows: int) -> None:
    """Writes predictions that are drawn from the reference set of a bundle."""
    from serving.log.database import Database

    database = Database(address)
    for entries in _entries(bundle, n_rows):
        assert database.store(entries) == ()
    database.close()


def _entries(bundle: Path, n_rows: int) -> Iterator[list[Entry]]:
    import numpy as np

    from serving.log.entry import describe
    from serving.record import FeedbackRecord, PredictionRecord
    from vision.bundles.manifest import read_manifest
    from vision.images.measure import NUMERIC
    from vision.monitoring.reference import read_reference_set

    manifest = read_manifest(bundle)
    reference = read_reference_set(bundle / "reference.parquet", manifest.classes)
    properties = reference.properties.to_numpy()
    rng = np.random.default_rng(0)
    until = datetime.now(UTC)
    empty = np.zeros((0, 0, 3), np.uint8)
    for start in range(0, n_rows, _BATCH):
        entries = []
        for number in range(start, min(start + _BATCH, n_rows)):
            row = int(rng.integers(len(properties)))
            probabilities = reference.probabilities[row]
            record = PredictionRecord(
                request_id=f"{number:032x}",
                model_name=manifest.name,
                model_version=manifest.version,
                label=manifest.classes[int(probabilities.argmax())],
                probability=float(probabilities.max()),
                is_abstained=False,
                classes=manifest.classes,
                probabilities=probabilities,
                embedding_uae=reference.rows.uae[row],
                embedding_bbsd=reference.rows.bbsd[row],
                embedding_penultimate=reference.rows.penultimate[row],
                pixels=empty,
                data=b"",
                latency_s=0.005,
                time=until - timedelta(days=DAYS) * ((n_rows - number) / (n_rows + 1)),
            )
            measures = dict(zip(NUMERIC, map(float, properties[row]), strict=True))
            entries.append(describe(record).measured(measures))
            if number % PER_LABEL == 0:
                label = manifest.classes[int(reference.labels[row])]
                entries.append(describe(FeedbackRecord(f"f{number}", record.request_id, (label,))))
        yield entries


def watch(address: str, name: str, n_rows: int) -> dict[str, Any]:
    """Runs what the pipeline runs over a log; the bundle is in the model store."""
    from steps.logged_periods import Asked, find_bundle, find_reference_set, read_traffic
    from vision.bundles.manifest import read_manifest
    from vision.monitoring.evidence import gather_evidence, load_detectors
    from vision.monitoring.report_page import write_page
    from vision.monitoring.verdict import judge_version

    import_mb = _peak_mb()
    times, started_s = [time.perf_counter()], time.process_time()
    until = datetime.now(UTC)
    # A day more, since writing the log took a while.
    asked = Asked(name, None, until - timedelta(days=DAYS + 1), until, 10**9, _N_MMD, 0)
    [version] = read_traffic(asked, address).versions
    times.append(time.perf_counter())
    read_cpu_s = time.process_time() - started_s
    folder = find_bundle(name, version.version)
    evidence = gather_evidence(
        version.period, load_detectors(folder), n_mmd=_N_MMD, n_permutations=1_000, seed=0
    )
    times.append(time.perf_counter())
    report = judge_version(
        name,
        version.version,
        version.period,
        evidence,
        find_reference_set(name, version.version),
        expected_accuracy=read_manifest(folder).metrics.get("accuracy"),
        n_least=50,
    )
    report_at = datetime.now(UTC)
    page = write_page(_as_report(report, until, report_at))
    times.append(time.perf_counter())
    assert report.n_predictions == n_rows
    read_s, test_s, report_s = (after - before for before, after in zip(times, times[1:]))  # noqa: B905, RUF007
    return {
        "n_predictions": n_rows,
        "verdict": report.verdict,
        "read_s": round(read_s, 1),
        "tests_s": round(test_s, 1),
        "report_s": round(report_s, 1),
        "read_cpu_s": round(read_cpu_s, 1),
        "cpu_s": round(time.process_time() - started_s, 1),
        "peak_memory_mb": round(_peak_mb()),
        "of_it_imports_mb": round(import_mb),
        "page_kb": round(len(page) / 1000),
    }


def _as_report(version: Any, until: datetime, created_at: datetime) -> Any:
    from vision.monitoring.report import MonitoringReport

    since = until - timedelta(days=DAYS)
    return MonitoringReport(
        name=version.name, created_at=created_at, since=since, until=until, versions=(version,)
    )


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(bundle: str, *sizes: str) -> None:
    """Writes the logs one after another and looks at each in a process of its own."""
    from serving.models.store import save_bundle
    from vision.bundles.manifest import read_manifest

    manifest = read_manifest(Path(bundle))
    save_bundle(Path(bundle), manifest, {})
    for n_rows in map(int, sizes or SIZES):
        with tempfile.TemporaryDirectory() as folder:
            address = f"sqlite:///{folder}/log.sqlite"
            fill(address, Path(bundle), n_rows)
            command = [sys.executable, __file__, "--watch", address, manifest.name, str(n_rows)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    if sys.argv[1] == "--watch":
        print(json.dumps(watch(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        with tempfile.TemporaryDirectory() as store:
            os.environ["BENTOML_HOME"] = store
            main(*sys.argv[1:])
