"""Measures what the drift check of a bundle finds, and writes the tables of docs/drift-tables.md.

    python benchmarks/drift/tables.py --bundle FOLDER --config configs/train.yaml
        [--set dataset.path=FOLDER] [--n-images 1000] [--splits 12] [--write docs/drift-tables.md]

FOLDER is a bundle (``.local/bundles/NAME/VERSION``), the configuration is that of the job that
made it. Thresholds and power table are those of the bundle; one that was made without them gets
them in memory, by the job's ``drift`` section.

Three questions: how often drift is found in fresh held-out images (1,000 checks, at six wanted
rates, thresholds calibrated anew for each); after how many changed images it is found, over 10
seeds and against the promise of the power table; and that table itself. Writes the section between
the marks of the model's name, and ``docs/images/drift-{calibration,power}-NAME.png`` beside the
page. Prints the same figures as JSON. About 10 minutes a bundle on 2 cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import false_alarms
import page
import pandas as pd
from figures import calibration_curve
from streams import Detection, Streams

from steps.datasets import read_dataset
from vision.bundles.load import ServingModel
from vision.config import JobConfig
from vision.config.load import load_job
from vision.drift.detectors import DriftDetectors, calibrate, read_detectors
from vision.drift.held_out import read_held_out
from vision.drift.power import measure_power
from vision.drift.power_figures import power_map
from vision.drift.power_table import PowerTable, read_power
from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError

_SHOWN_RATE = 0.05


def detectors_of(bundle: Path, job: JobConfig, n_classes: int) -> DriftDetectors:
    """Returns the bundle's detectors on the faster backend, calibrated now where it has none."""
    reference = read_reference(bundle / "reference.parquet")
    try:
        file = read_detectors(bundle)
    except BundleError:
        file = calibrate(reference, n_classes, job.drift)
    return DriftDetectors(file.model_copy(update={"backend": "scipy"}), reference)


def power_of(
    bundle: Path, serving: ServingModel, job: JobConfig, detectors: DriftDetectors
) -> PowerTable:
    """Returns the bundle's power table, measured now where it has none."""
    try:
        return read_power(bundle)
    except BundleError:
        table = read_dataset(job.images)
        reference = pd.read_parquet(bundle / "reference.parquet", columns=["path", "label"])
        held_out = read_held_out(table, reference, job.drift.n_power_images, job.drift.seed)
        return measure_power(serving, held_out, detectors, job.drift)


def measure_alarms(
    detectors: DriftDetectors, fresh: DriftRows, job: JobConfig, n_classes: int, n_splits: int
) -> tuple[list[false_alarms.Alarms], list[false_alarms.Alarms]]:
    """Returns false alarms of the procedure and of the bundle."""
    reference = detectors.reference
    pool = false_alarms.together(reference, fresh)
    procedure = false_alarms.of_procedure(pool, len(reference), n_classes, job.drift, n_splits)
    return procedure, false_alarms.of_bundle(detectors, fresh, n_classes, job.drift)


def section(
    name: str,
    detectors: DriftDetectors,
    table: PowerTable,
    alarms: tuple[list[false_alarms.Alarms], list[false_alarms.Alarms]],
    found: Sequence[Detection],
) -> list[str]:
    """Returns the lines of a model's section."""
    promises = [each for each in found if each.promised is not None]
    n_kept = sum(each.is_kept for each in promises)
    return [
        page.about(detectors.file, table, n_kept, len(promises)),
        "",
        f"![Wanted and measured false alarms](images/drift-calibration-{name}.png)",
        "",
        *page.false_alarms(*alarms),
        "",
        *page.single_tests(*alarms, _SHOWN_RATE),
        "",
        *page.detections(found),
        "",
        f"![What is seen in how many images](images/drift-power-{name}.png)",
        "",
        *page.powers(table),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--n-images", type=int, default=1_000)
    parser.add_argument("--splits", type=int, default=12)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    job = load_job(options.config, options.overrides)
    serving = ServingModel.load(options.bundle)
    name, n_classes = serving.manifest.name, len(serving.manifest.classes)
    detectors = detectors_of(options.bundle, job, n_classes)
    table = power_of(options.bundle, serving, job, detectors)
    reference = pd.read_parquet(options.bundle / "reference.parquet", columns=["path", "label"])
    held_out = read_held_out(read_dataset(job.images), reference, options.n_images, 1)
    streams = Streams(serving, detectors, held_out)
    found = streams.detect_all(table)
    alarms = measure_alarms(detectors, streams.clean, job, n_classes, options.splits)
    print(
        json.dumps(
            {
                "model": name,
                "procedure": {each.rate: each.share for each in alarms[0]},
                "bundle": {each.rate: each.share for each in alarms[1]},
                "detections": [asdict(each) | {"is_kept": each.is_kept} for each in found],
            }
        )
    )
    lines = section(name, detectors, table, alarms, found)
    if options.write is None:
        print("\n".join(lines))
        return
    images = options.write.parent / "images"
    (images / f"drift-calibration-{name}.png").write_bytes(calibration_curve(*alarms))
    (images / f"drift-power-{name}.png").write_bytes(power_map(table))
    page.write_between_marks(options.write, name, lines)


if __name__ == "__main__":
    main()
