"""What is saved comes back, through a store without a folder, and hashes by what it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from materializers.annotation_table import AnnotationTableMaterializer
from materializers.bundle import BundleMaterializer
from materializers.evaluation_report import EvaluationReportMaterializer
from materializers.gate_verdict import GateVerdict, GateVerdictMaterializer
from materializers.property_table import PropertyTableMaterializer
from materializers.registered_model import RegisteredModel, RegisteredModelMaterializer
from materializers.trained_model import TrainedModelMaterializer
from materializers.validation_report import ValidationReportMaterializer
from tests.fake_bundle import write_fake_bundle
from tests.materializers.memory_store import ROOT, MemoryStore
from tests.synthetic import make_table
from vision.bundles.build import Bundle
from vision.bundles.keys import open_key
from vision.bundles.signature import SIGNATURE_FILE, sign_bundle
from vision.errors import BundleError, ModelError
from vision.evaluation import EvaluationReport
from vision.training.fit import TrainedModel
from vision.validation.report import Finding, Gate, ValidationReport

Keep = Callable[[type[Any], Any], Any]

PASSED = Gate(name="accuracy", passed=True, value=0.75, rule=">= 0.5")
FAILED = Gate(name="corrupt_images", passed=False, value=2.0, rule="<= 0")


def _hash(materializer: type[Any], value: Any) -> str:
    return str(materializer(ROOT, artifact_store=MemoryStore()).compute_content_hash(value))


def _shown(store: MemoryStore, name: str) -> str:
    return store.files[f"{ROOT}/{name}"].decode()


@pytest.fixture
def evaluation() -> EvaluationReport:
    return EvaluationReport(
        split="test",
        classes=("cat", "dog"),
        metrics={"accuracy": 0.75, "auc": math.nan},
        per_class=pd.DataFrame(
            {"label": ["cat", "dog"], "precision": [1.0, 0.5], "recall": [0.5, 1.0],
             "f1": [0.667, 0.667], "n_images": [2, 2]}
        ),
        confusion=np.array([[1, 1], [0, 2]], np.int64),
        predictions=pd.DataFrame(
            {"path": ["a.png"], "label": ["cat"], "predicted": ["dog"], "probability": [0.9]}
        ),
        gates=(PASSED,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    from vision.config import ModelConfig, TrainingConfig
    from vision.models.build import build_model

    model = build_model(ModelConfig(name="m", input_size=(16, 16)), TrainingConfig(), 3)
    columns = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
    rows = [{"epoch": epoch, **dict.fromkeys(columns, 0.5)} for epoch in (1, 2)]
    return TrainedModel(model, pd.DataFrame(rows), best_epoch=2)


def test_annotation_table(keep: Keep, store: MemoryStore, tmp_path: Path) -> None:
    table = make_table(tmp_path, n_per_class=2)
    problem = Finding(check="empty_files", severity="error", message="1 file", images=("x<y.png",))
    table = replace(table, problems=(problem,))
    loaded = keep(AnnotationTableMaterializer, table)
    pd.testing.assert_frame_equal(loaded.frame, table.frame)
    assert loaded.classes == ("blue", "green", "red")
    assert loaded.problems == table.problems
    assert loaded.digest == table.digest
    assert store.files[f"{ROOT}/samples.png"].startswith(b"\x89PNG")
    assert "x&lt;y.png" in _shown(store, "summary.html")


def test_a_moved_dataset_is_the_same_and_a_changed_one_is_not(tmp_path: Path) -> None:
    table = make_table(tmp_path, n_per_class=2)
    moved = replace(table, root=Path("/elsewhere"))
    relabelled = replace(table, frame=table.frame.assign(label="red"))
    first = _hash(AnnotationTableMaterializer, table)
    assert _hash(AnnotationTableMaterializer, moved) == first
    assert _hash(AnnotationTableMaterializer, relabelled) != first


def test_property_table(keep: Keep) -> None:
    frame = pd.DataFrame(
        {"path": ["a", "b"], "label": ["x", "y"], "split": ["train", "test"],
         "brightness": [1.5, 2.5], "is_near_constant": [True, False]}
    )  # fmt: skip
    loaded = keep(PropertyTableMaterializer, frame)
    pd.testing.assert_frame_equal(loaded, frame)
    assert _hash(PropertyTableMaterializer, frame) == _hash(PropertyTableMaterializer, loaded)
    turned = frame.iloc[::-1].reset_index(drop=True)
    assert _hash(PropertyTableMaterializer, turned) != _hash(PropertyTableMaterializer, frame)


def test_validation_report(keep: Keep, store: MemoryStore) -> None:
    finding = Finding(check="corrupt_images", severity="error", message="2", images=("a", "b"))
    report = ValidationReport(
        validator="v", findings=(finding,), gates=(FAILED,), html="<html>page</html>"
    )
    assert keep(ValidationReportMaterializer, report) == report
    assert _shown(store, "report.html") == "<html>page</html>"
    made_later = report.model_copy(update={"html": "<html>12:01</html>"})
    expected = _hash(ValidationReportMaterializer, report)
    assert _hash(ValidationReportMaterializer, made_later) == expected


def test_evaluation_report(keep: Keep, store: MemoryStore, evaluation: EvaluationReport) -> None:
    loaded = keep(EvaluationReportMaterializer, evaluation)
    assert loaded.metrics["accuracy"] == 0.75
    assert math.isnan(loaded.metrics["auc"])
    assert loaded.gates == (PASSED,)
    np.testing.assert_array_equal(loaded.confusion, evaluation.confusion)
    pd.testing.assert_frame_equal(loaded.per_class, evaluation.per_class)
    pd.testing.assert_frame_equal(loaded.predictions, evaluation.predictions)
    assert store.files[f"{ROOT}/confusion_matrix.png"].startswith(b"\x89PNG")
    expected = _hash(EvaluationReportMaterializer, evaluation)
    assert _hash(EvaluationReportMaterializer, loaded) == expected


def test_gate_verdict(keep: Keep, store: MemoryStore) -> None:
    verdict = GateVerdict(subject="model", gates=(PASSED,))
    assert keep(GateVerdictMaterializer, verdict) == verdict
    assert '<td class="passed">passed</td>' in _shown(store, "verdict.html")


def test_registered_model(keep: Keep, store: MemoryStore) -> None:
    registered = RegisteredModel(
        name="digits",
        version="v1",
        alias="challenger",
        bento_model="digits:v1",
        registry_version=None,
        pipeline_model="id",
        tracking_run=None,
        metrics={"accuracy": 0.5, "auc": None},
    )
    assert keep(RegisteredModelMaterializer, registered) == registered
    summary = _shown(store, "summary.md")
    assert "challenger until it is promoted" in summary
    assert "| auc | – |" in summary
    assert "| Model registry | this stack has none |" in summary


def test_trained_model_gives_the_same_answers(keep: Keep, trained: TrainedModel) -> None:
    loaded = keep(TrainedModelMaterializer, trained)
    images = np.arange(2 * 16 * 16 * 3, dtype=np.uint32).reshape(2, 16, 16, 3).astype(np.uint8)
    np.testing.assert_array_equal(loaded.predict(images), trained.predict(images))
    pd.testing.assert_frame_equal(loaded.history, trained.history)
    assert loaded.best_epoch == 2
    expected = _hash(TrainedModelMaterializer, trained)
    assert _hash(TrainedModelMaterializer, loaded) == expected


def test_a_stored_model_that_holds_code_is_refused(store: MemoryStore) -> None:
    import keras

    code = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x + 1)])
    history = pd.DataFrame({"epoch": [1], "val_loss": [0.0], "val_accuracy": [0.0]})
    materializer = TrainedModelMaterializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
    materializer.save(TrainedModel(code, history, 1))
    with pytest.raises(ModelError, match="safe mode"):
        materializer.load(TrainedModel)


def test_bundle_is_fetched_where_this_machine_lacks_it(
    keep: Keep, store: MemoryStore, tmp_path: Path, home: Path
) -> None:
    manifest = write_fake_bundle(tmp_path / "made elsewhere")
    loaded = keep(BundleMaterializer, Bundle(tmp_path / "made elsewhere", manifest))
    assert loaded.manifest == manifest
    assert loaded.folder == home / "bundles" / manifest.name / manifest.version
    found = {path.name for path in loaded.folder.iterdir()}
    assert {"manifest.json", "serving.onnx", "golden", "labels.json"} <= found
    assert [path.name for path in loaded.folder.parent.iterdir()] == [manifest.version]


def test_a_bundle_keeps_its_signature(keep: Keep, tmp_path: Path, home: Path) -> None:
    manifest = write_fake_bundle(tmp_path / "made elsewhere")
    signed = sign_bundle(tmp_path / "made elsewhere", open_key()).read_bytes()
    loaded = keep(BundleMaterializer, Bundle(tmp_path / "made elsewhere", manifest))
    assert (loaded.folder / SIGNATURE_FILE).read_bytes() == signed


def test_a_damaged_local_bundle_is_replaced_and_kept_aside(
    keep: Keep, store: MemoryStore, tmp_path: Path, home: Path
) -> None:
    manifest = write_fake_bundle(tmp_path / "made elsewhere")
    loaded = keep(BundleMaterializer, Bundle(tmp_path / "made elsewhere", manifest))
    (loaded.folder / "labels.json").write_text("[]")
    reader = BundleMaterializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
    again = reader.load(Bundle)
    assert (again.folder / "labels.json").read_text() == '["red", "green", "blue"]'
    assert len(list(loaded.folder.parent.glob(".damaged-*"))) == 1


def test_a_bundle_that_was_damaged_in_the_store_is_refused(
    keep: Keep, store: MemoryStore, tmp_path: Path, home: Path
) -> None:
    manifest = write_fake_bundle(tmp_path / "one")
    writer = BundleMaterializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
    writer.save(Bundle(tmp_path / "one", manifest))
    store.files[f"{ROOT}/bundle/labels.json"] = b"[]"
    with pytest.raises(BundleError, match=r"labels\.json was changed"):
        writer.load(Bundle)
    assert not (home / "bundles" / manifest.name / manifest.version).exists()
