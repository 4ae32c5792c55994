"""The core on its own: ``python -m vision --config configs/train.yaml``.

Reads, checks, trains, evaluates and writes a bundle in this process, with no stack, no tracking
and no registry. Useful on a machine without ZenML, and to see what the pipelines are made of.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vision.environment import prepare

prepare()

from vision.config import JobConfig, ValidationConfig  # noqa: E402  (the switches must be set first)
from vision.config.load import load_job  # noqa: E402
from vision.errors import ConfigError, GateStopped, VisionError  # noqa: E402
from vision.streams import outlive_readers  # noqa: E402
from vision.validation.report import Gate  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Runs one training job and returns its exit code, the same codes as ``run.py``."""
    parser = argparse.ArgumentParser(prog="python -m vision", description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, required=True, help="the job's YAML file")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args(arguments)
    try:
        print(_run(load_job(chosen.config, chosen.set)))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except GateStopped as error:
        print(f"stopped by a gate: {error}", file=sys.stderr)
        return 3
    except VisionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(job: JobConfig) -> str:
    # Imported here so that a wrong configuration is refused before TensorFlow is loaded.
    from vision.bundles.build import BundleSource, build_bundle
    from vision.bundles.manifest import Lineage
    from vision.bundles.reference import check_reference
    from vision.datasets.check import check_splits
    from vision.datasets.load import load_annotations
    from vision.evaluation import evaluate_model
    from vision.properties import compute_properties
    from vision.training.fit import train_model
    from vision.validation.find import find_problems
    from vision.validation.judge import judge_findings
    from vision.validation.quarantine import check_classes, leave_out

    table = load_annotations(job.images)
    check_splits(table, job.needed_splits, job.images.split)
    properties = compute_properties(table)
    findings = find_problems(table, properties, job.validation)
    for finding in findings:
        print(f"{finding.severity}: {finding.check}: {finding.message}", file=sys.stderr)
    _stop_unless_passed(judge_findings(findings, _own_conditions(job.validation)))
    selection = leave_out(table, findings, job.validation.quarantine)
    check_classes(table, selection, job.needed_splits)
    table = selection.table
    check_splits(table, job.needed_splits, job.images.split)
    check_reference(table, job.bundle.n_reference)
    if selection.left_out:
        print(selection.sentence, file=sys.stderr)
    trained = train_model(job.model, job.training, job.augmentation, table)
    report = evaluate_model(trained.predict, table, job.model.input_size, job.evaluation)
    _stop_unless_passed(report.gates)
    lineage = Lineage(data_digest=table.digest, dataset_source=job.images.source)
    source = BundleSource(trained.model, table, properties, report.metrics, lineage)
    bundle = build_bundle(source, job.model, job.bundle, job.drift)
    metrics = ", ".join(f"{name} {value:.4f}" for name, value in report.metrics.items())
    return f"{bundle.folder}\n{report.split}: {metrics}"


def _own_conditions(validation: ValidationConfig) -> ValidationConfig:
    """Keeps the conditions on the core's own checks: suites need the stack's data validator."""
    from vision.validation.find import CHECK_NAMES

    own = {name: rule for name, rule in validation.fail_on.items() if name in CHECK_NAMES}
    for name in sorted(set(validation.fail_on) - set(own)):
        print(f"not judged without a data validator: {name}", file=sys.stderr)
    return validation.model_copy(update={"fail_on": own})


def _stop_unless_passed(gates: tuple[Gate, ...]) -> None:
    if not all(gate.passed for gate in gates):
        raise GateStopped(gates)


if __name__ == "__main__":
    outlive_readers()
    raise SystemExit(main())
