"""Passports of a model of three colours, made from sources whose every number is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.fake_bundle import CLASSES, seal, write_fake_bundle
from tests.vision.drift.power_samples import make_table
from tests.vision.passport.shipped_samples import NOW, make_decision, make_rollout
from vision.bundles.manifest import Lineage, Manifest, write_manifest
from vision.bundles.promoted import Promoted
from vision.comparison.comparison import Comparison
from vision.comparison.judge import Cost, Reason
from vision.comparison.paired import Difference, McNemar
from vision.comparison.slices import Slice
from vision.datasets.table import AnnotationTable
from vision.drift.power_table import write_power
from vision.evaluation import EvaluationReport
from vision.metrics import confusion, per_class_metrics
from vision.packages import BentoTest, BuiltBento, ImageResult
from vision.passport.make import PassportSources, make_passport
from vision.passport.passport import Passport
from vision.passport.shipped_parts import LicencesPart
from vision.provenance import CodeVersion
from vision.validation.report import Finding, Gate, ValidationReport

COMMIT = "c0ffee" + "0" * 34
# Of each class how many images are answered with each class; 90 of 100 are right.
COUNTS = ((38, 2, 0), (0, 27, 3), (5, 0, 25))
PATCH = """# not tracked: notes.txt
diff --git a/run.py b/run.py
--- a/run.py
+++ b/run.py
@@ -1 +1 @@
-another
+one <line>
"""
LOCK = "numpy==1.26.4 \\\n    --hash=sha256:00\nscipy==1.14.1 ; python_version > '3'\n# scipy==9\n"
SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {"name": "numpy", "version": "1.26.4", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
        {"name": "scipy", "version": "1.14.1", "licenses": [{"expression": "BSD-3-Clause"}]},
        {"name": "<b>&amp;", "version": "1", "licenses": [{"license": {"name": "Own <terms>"}}]},
        {"name": "silent"},
    ],
}


def make_evaluation(counts: tuple[tuple[int, ...], ...] = COUNTS) -> EvaluationReport:
    """Returns the report of an evaluation with these counts."""
    pairs = [
        (true, found)
        for true, row in enumerate(counts)
        for found, n in enumerate(row)
        for _ in range(n)
    ]
    labels, predicted = np.array(pairs).T
    names = np.array(CLASSES)
    return EvaluationReport(
        split="test",
        classes=CLASSES,
        metrics={
            "accuracy": float((labels == predicted).mean()),
            "macro_f1": float(per_class_metrics(labels, predicted, CLASSES)["f1"].mean()),
            "auc": 0.97,
            "top_3_accuracy": float("nan"),
        },
        per_class=per_class_metrics(labels, predicted, CLASSES),
        confusion=confusion(labels, predicted, len(CLASSES)),
        predictions=pd.DataFrame({"label": names[labels], "predicted": names[predicted]}),
        gates=(Gate(name="accuracy", passed=True, value=0.9, rule=">= 0.8"),),
    )


def make_annotations(n_train: int = 60) -> AnnotationTable:
    """Returns a table of so many images to train on, and 10 to test with."""
    rows = [
        {
            "path": f"{n}.png",
            "sha256": f"{n:064x}",
            "width": 8,
            "height": 8,
            "mode": "RGB",
            "n_bytes": 9,
            "label": CLASSES[n % 3],
            "split": "train" if n < n_train else "test",
        }
        for n in range(n_train + 10)
    ]
    return AnnotationTable.from_rows(Path("images"), rows)


def make_comparison(**changed: Any) -> Comparison:
    """Returns a comparison that promotes."""
    return Comparison(
        name="colours",
        challenger="v2",
        champion="v1",
        verdict="promote",
        reasons=(
            Reason(rule="metric", verdict="promote", sentence="0.95 against 0.90"),
            Reason(rule="slices", verdict="promote", sentence="no class loses: 'red'"),
        ),
        split="test",
        data_digest="d" * 64,
        n_images=100,
        difference=Difference(0.85, 0.9, 0.01, 0.09),
        mcnemar=McNemar(1, 6, 0.125),
        slices=(Slice("red", 40, 0.9, 0.95), Slice("green", 30, 0.8, 0.9)),
        costs=(Cost(latency_ms=1.5, memory_mb=40.0), Cost(latency_ms=1.4, memory_mb=39.0)),
    ).model_copy(update=changed)


def make_bundle(folder: Path, digest: str | None) -> Manifest:
    """Writes a bundle that knows what it was made from."""
    write_fake_bundle(folder)
    write_power(folder, make_table())
    lineage = Lineage(
        git_commit=COMMIT,
        git_is_dirty=True,
        data_digest=digest,
        dataset_source="folder",
        dataset_revision="v1.2",
        tracking_run="run1",
        pipeline_run="pipe1",
        config_digest="f" * 64,
    )
    manifest = seal(folder).model_copy(update={"lineage": lineage})
    write_manifest(folder, manifest)
    return manifest


def whole_sources(folder: Path) -> PassportSources:
    """Returns sources of which none is missing; their files are written into ``folder``."""
    table = make_annotations()
    manifest = make_bundle(folder / "bundle", table.digest)
    lock = folder / "service.txt"
    lock.write_text(LOCK)
    bento = BuiltBento(
        tag="visionstack:abc",
        folder=folder / "bento",
        digest="b" * 64,
        n_bytes=2_000_000,
        backend="scipy",
        requirements="requirements/service.txt",
        labels={},
        differs=("bento.yaml: creation_time",),
    )
    tested = BentoTest(
        tag=bento.tag,
        model="colours:v2",
        n_packages=2,
        cold_start_s=3.5,
        memory_bytes=150_000_000,
        golden_difference=1e-7,
    )
    image = ImageResult(
        sentence="podman built it",
        tag="visionstack:colours",
        digest="sha256:" + "e" * 64,
        n_bytes=612_000_000,
        builder="podman",
        packages={"numpy": "1.26.4", "scipy": "1.14.1"},
        test={
            "problems": (),
            "not_checked": ("memory is not limited here",),
            "cold_start_s": 4.5,
            "memory_bytes": 160_000_000,
            "golden_difference": 1e-7,
        },
    )
    return PassportSources(
        bundle=folder / "bundle",
        manifest=manifest,
        created_at=NOW,
        code=CodeVersion(commit=COMMIT, is_dirty=False, patch=""),
        training_patch=PATCH,
        table=table,
        validation=ValidationReport(
            validator="property_schema",
            findings=(
                Finding(check="a", severity="error", message="m"),
                Finding(check="b", severity="warning", message="m"),
                Finding(check="c", severity="info", message="m"),
            ),
            gates=(Gate(name="corrupt_images", passed=True, value=0.0, rule="== 0"),),
        ),
        evaluation=make_evaluation(),
        comparison=make_comparison(),
        lock=lock,
        bento=bento,
        bento_test=tested,
        image=image,
        sbom=json.dumps(SBOM).encode(),
        licences=LicencesPart(passed=True, refused={}, reported=(), unknown=("silent",)),
        decision=make_decision("approved"),
        promotion=Promoted(
            model="colours", version=manifest.version, former="v1", number=2, at=NOW
        ),
        rollout=make_rollout(manifest.version),
    )


def whole_passport(folder: Path, **changed: Any) -> Passport:
    """Returns a passport in which everything is known; ``changed`` replaces sources."""
    return make_passport(replace(whole_sources(folder), **changed))


def bare_passport(folder: Path) -> Passport:
    """Returns the passport of a bundle of which nothing else is known."""
    manifest = write_fake_bundle(folder / "bare")
    code = CodeVersion(commit=None, is_dirty=None, patch="")
    return make_passport(PassportSources(folder / "bare", manifest, NOW, code))
