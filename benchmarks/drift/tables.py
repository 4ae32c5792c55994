"""Measures what the drift check of a bundle finds, and writes the tables of docs/drift-tables.md.

    python benchmarks/drift/tables.py --bundle FOLDER --config configs/train.yaml
        [--set dataset.path=FOLDER] [--n-images 2000] [--splits 12] [--write docs/drift-tables.md]

FOLDER is a bundle (``.local/bundles/NAME/VERSION``), the configuration is that of the job that
made it. Thresholds and power table are those of the bundle; one that was made without them gets
them in memory, by the job's ``drift`` section.

Three questions: how often drift is found in fresh held-out images (1,000 checks, at six wanted
rates, thresholds calibrated anew for each); after how many changed images it is found, over 10
seeds and against the promise of the power table, in images that the table was not made of where
there are 500 of them; and that table itself. Writes the section between
the marks of the model's name, and ``docs/images/drift-{calibration,power}-NAME.png`` beside the
page. Prints the same figures as JSON. About 10 minutes a bundle on 2 cores.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from vision.drift.held_out import HeldOut, read_held_out
from vision.drift.power import measure_power, see_images
from vision.drift.power_figures import power_map
from vision.drift.power_table import PowerTable, read_power
from vision.drift.views import DriftRows, read_reference
from vision.errors import BundleError

_SHOWN_RATE = 0.05
# Of fewer the streams would say the same thing again and again.
_FEWEST_UNSEEN = 500


@dataclass(frozen=True)
class Measured:
    """What is written of a bundle.

    Attributes:
      table: its power table.
      alarms: false alarms of the procedure and of the bundle.
      found: what streams of changed images came to.
      not_measured: a sentence about windows without a rate of false alarms; may be empty.
      kept: a sentence about the promises of the table.
    """

    table: PowerTable
    alarms: tuple[list[false_alarms.Alarms], list[false_alarms.Alarms]]
    found: list[Detection]
    not_measured: str
    kept: str


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


def choose_images(job: JobConfig, bundle: Path, n_most: int) -> tuple[HeldOut, HeldOut | None]:
    """Returns held-out images that the power table used, and others where there are enough."""
    table = read_dataset(job.images)
    reference = pd.read_parquet(bundle / "reference.parquet", columns=["path", "label"])
    n_used, seed = job.drift.n_power_images, job.drift.seed
    used = read_held_out(table, reference, n_used, seed)
    n_others = max(0, n_most - len(used.images))
    if used.split != "test" or n_others < _FEWEST_UNSEEN:
        return used, None
    others = read_held_out(table, reference, n_others, seed, after=n_used)
    return used, others if len(others.images) >= _FEWEST_UNSEEN else None


def measure(
    bundle: Path, job: JobConfig, n_images: int, n_splits: int
) -> tuple[str, DriftDetectors, Measured]:
    """Returns the model's name, its detectors, and all that is written of them."""
    serving = ServingModel.load(bundle)
    n_classes = len(serving.manifest.classes)
    detectors = detectors_of(bundle, job, n_classes)
    table = power_of(bundle, serving, job, detectors)
    used, others = choose_images(job, bundle, n_images)
    streams = Streams(serving, detectors, others or used)
    found = streams.detect_all(table)
    fresh = streams.clean
    if others is not None:
        fresh = false_alarms.together(see_images(serving, used.images), fresh)
    alarms = measure_alarms(detectors, fresh, job, n_classes, n_splits)
    n_played = len(streams.clean)
    measured = Measured(
        table=table,
        alarms=alarms,
        found=found,
        not_measured=page.not_measured(detectors.sizes, len(fresh)),
        kept=page.kept(found, detectors.every_n, n_played, is_unseen=others is not None),
    )
    return serving.manifest.name, detectors, measured


def section(name: str, detectors: DriftDetectors, measured: Measured) -> list[str]:
    """Returns the lines of a model's section."""
    return [
        page.about(detectors.file, measured.table),
        "",
        f"![Wanted and measured false alarms](images/drift-calibration-{name}.png)",
        "",
        *page.false_alarms(*measured.alarms),
        "",
        *page.single_tests(*measured.alarms, _SHOWN_RATE),
        "",
        *([measured.not_measured, ""] if measured.not_measured else []),
        measured.kept,
        "",
        *page.detections(measured.found),
        "",
        f"![What is seen in how many images](images/drift-power-{name}.png)",
        "",
        *page.powers(measured.table),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures one bundle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--n-images", type=int, default=2_000)
    parser.add_argument("--splits", type=int, default=12)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args(arguments)
    job = load_job(options.config, options.overrides)
    name, detectors, measured = measure(options.bundle, job, options.n_images, options.splits)
    procedure, bundle = measured.alarms
    print(
        json.dumps(
            {
                "model": name,
                "procedure": {each.rate: each.share for each in procedure},
                "bundle": {each.rate: each.share for each in bundle},
                "detections": [asdict(each) | {"n_kept": each.n_kept} for each in measured.found],
            }
        )
    )
    lines = section(name, detectors, measured)
    if options.write is None:
        print("\n".join(lines))
        return
    images = options.write.parent / "images"
    (images / f"drift-calibration-{name}.png").write_bytes(calibration_curve(procedure, bundle))
    (images / f"drift-power-{name}.png").write_bytes(power_map(measured.table))
    page.write_between_marks(options.write, name, lines)


if __name__ == "__main__":
    main()
