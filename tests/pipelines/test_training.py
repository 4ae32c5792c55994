"""The training pipeline on a real stack: what it leaves behind, and what a second run does."""

from __future__ import annotations

from pathlib import Path

import pytest
from zenml.client import Client
from zenml.models import PipelineRunResponse

from pipelines.report import RunReport
from vision.bundles.champion import read_champion
from vision.bundles.load import ServingModel

pytestmark = [pytest.mark.integration, pytest.mark.slow]

STEPS = {
    "load_dataset",
    "compute_properties",
    "validate_dataset",
    "gate_dataset",
    "select_images",
    "preview_augmentation",
    "train_model",
    "evaluate_model",
    "gate_model",
    "build_bundle",
    "register_model",
}


@pytest.fixture(scope="module")
def run(trained: RunReport) -> PipelineRunResponse:
    return Client().get_pipeline_run(str(trained.pipeline_run.id))


def test_the_report_says_what_happened(trained: RunReport) -> None:
    report = trained.to_json()
    assert set(report) == {
        "pipeline", "status", "pipeline_run", "tracking_run", "metrics", "gates", "model",
        "bundle", "seconds", "findings", "left_out", "monitoring", "deployment",
    }  # fmt: skip
    assert report["pipeline"] == "training"
    assert report["status"] == "completed"
    assert set(report["pipeline_run"]) == set(report["tracking_run"]) == {"id", "url"}
    assert 0.0 <= report["metrics"]["accuracy"] <= 1.0
    rules = {gate["name"]: (gate["passed"], gate["rule"]) for gate in report["gates"]}
    assert rules == {"corrupt_images": (True, "<= 0"), "accuracy": (True, ">= 0")}
    assert set(report["seconds"]) == STEPS
    assert report["seconds"]["train_model"] > 0.1
    for finding in report["findings"]:
        assert set(finding) == {"check", "severity", "n_images", "images"}
    assert report["model"]["name"] == "colours"


def test_the_bundle_of_the_report_serves(trained: RunReport) -> None:
    serving = ServingModel.load(Path(str(trained.bundle)))
    assert serving.check_golden() <= 1e-4
    assert serving.manifest.classes == ("blue", "green", "red")
    lineage = serving.manifest.lineage
    assert lineage.pipeline_run == trained.pipeline_run.id
    assert lineage.tracking_run == trained.tracking_run.id
    assert lineage.dataset_source == "folder"
    assert len(lineage.data_digest or "") == len(lineage.config_digest or "") == 64
    # Nothing was put into quarantine.
    assert lineage.whole_data_digest == lineage.data_digest


def test_no_output_falls_to_cloudpickle(run: PipelineRunResponse) -> None:
    materializers = {
        name: artifact.materializer.import_path
        for step in run.steps.values()
        for name, artifacts in step.outputs.items()
        for artifact in artifacts
    }
    assert len(materializers) == len(STEPS)
    pickled = {name for name, path in materializers.items() if "pickle" in path.lower()}
    assert pickled == set()
    html = materializers.pop("augmented_samples")
    assert html.endswith("StructuredStringMaterializer")
    assert all(path.startswith("materializers.") for path in materializers.values())


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("load_dataset", ["samples.png", "summary.html"]),
        ("compute_properties", ["histograms.png", "summary.html"]),
        ("validate_dataset", ["report.html"]),
        ("gate_dataset", ["verdict.html"]),
        ("select_images", ["samples.png", "summary.html"]),
        ("preview_augmentation", ["output.html"]),
        ("train_model", ["epochs.html", "learning_curves.png"]),
        ("evaluate_model", ["confusion_matrix.png", "per_class.png", "summary.html"]),
        ("gate_model", ["verdict.html"]),
        ("build_bundle", ["model_card.md", "summary.html"]),
        ("register_model", ["summary.md"]),
    ],
)
def test_each_step_has_something_to_look_at(
    run: PipelineRunResponse, step: str, shown: list[str]
) -> None:
    [[artifact]] = run.steps[step].outputs.values()
    visualizations = Client().get_artifact_version(artifact.id).visualizations or []
    assert sorted(Path(page.uri).name for page in visualizations) == shown
    for index in range(len(shown)):
        assert len(_content(artifact.id, index)) > 100


def _content(artifact_id: object, index: int) -> bytes | str:
    from zenml.artifacts.utils import load_artifact_visualization

    artifact = Client().get_artifact_version(artifact_id)  # type: ignore[arg-type]
    return load_artifact_visualization(artifact, index=index).value


def test_every_result_carries_metadata(run: PipelineRunResponse, trained: RunReport) -> None:
    [[table]] = run.steps["load_dataset"].outputs.values()
    metadata = Client().get_artifact_version(table.id).run_metadata
    assert metadata["n_images"] == 90
    assert metadata["n_images_per_split"] == {"train": 30, "validation": 30, "test": 30}
    [[model]] = run.steps["train_model"].outputs.values()
    metadata = Client().get_artifact_version(model.id).run_metadata
    assert metadata["n_epochs"] == 2
    assert metadata["tracking_run"] == trained.tracking_run.id


def test_the_tracking_run_holds_all_of_it(trained: RunReport) -> None:
    import mlflow

    tracker = Client().active_stack.experiment_tracker
    assert tracker is not None
    client = mlflow.MlflowClient(tracking_uri=tracker.get_tracking_uri())  # type: ignore[attr-defined]
    run_id = str(trained.tracking_run.id)
    tracked = client.get_run(run_id)
    assert tracked.info.status == "FINISHED"
    assert tracked.data.params["training.epochs"] == "2"
    assert tracked.data.params["model.input_size"] == "[16, 16]"
    assert len(client.get_metric_history(run_id, "val_loss")) == 2
    assert [m.step for m in client.get_metric_history(run_id, "loss")] == [1, 2]
    assert tracked.data.metrics["test_accuracy"] == trained.metrics["accuracy"]
    best = min(client.get_metric_history(run_id, "val_loss"), key=lambda metric: metric.value)
    assert tracked.data.metrics["best_epoch"] == best.step
    assert tracked.data.metrics["best_val_loss"] == best.value
    [accuracy] = [
        metric.value
        for metric in client.get_metric_history(run_id, "val_accuracy")
        if metric.step == best.step
    ]
    assert tracked.data.metrics["best_val_accuracy"] == accuracy
    assert tracked.data.tags["purpose"] == "test"
    assert len(tracked.data.tags["data_digest"]) == 64
    assert {"git_commit", "git_is_dirty", "dataset_path"} <= set(tracked.data.tags)
    [given] = tracked.inputs.dataset_inputs
    assert [tag.value for tag in given.tags] == ["training"]
    files = {file.path for file in client.list_artifacts(run_id, "validation")}
    assert files == {"validation/report.html"}
    files = {file.path for file in client.list_artifacts(run_id, "evaluation")}
    assert files == {"evaluation/confusion_matrix.png", "evaluation/per_class.csv"}


def test_three_registries_name_each_other(trained: RunReport) -> None:
    import bentoml
    import mlflow

    name, version = str(trained.model.name), str(trained.model.version)
    tag = f"{name}:{version}".lower()
    stored = bentoml.models.get(tag)
    uri = Client().active_stack.experiment_tracker.get_tracking_uri()  # type: ignore[union-attr]
    [registered] = mlflow.MlflowClient(tracking_uri=uri).search_model_versions(
        f"name = '{name}' and tags.model_version = '{version}'"
    )
    recorded = Client().get_model_version(name, version)
    assert registered.tags["bento_model"] == recorded.run_metadata["bento_model"] == tag
    assert registered.tags["zenml_model"] == f"{name}/{version}"
    assert stored.info.labels["zenml_model"] == f"{name}.{version}"
    assert stored.info.labels["registry_version"] == str(registered.version)
    assert recorded.run_metadata["registry_version"] == str(registered.version)
    assert recorded.stage == "production"
    assert {"trained_model", "bundle", "annotation_table"} <= set(recorded.data_artifacts) | set(
        recorded.model_artifacts
    )


def test_the_registered_graph_has_a_signature_and_answers(trained: RunReport) -> None:
    import mlflow
    import numpy as np

    uri = Client().active_stack.experiment_tracker.get_tracking_uri()  # type: ignore[union-attr]
    mlflow.set_tracking_uri(uri)
    model = mlflow.pyfunc.load_model("models:/colours@champion")
    [images] = model.metadata.signature.inputs.inputs
    assert (images.name, images.shape, images.type) == ("images", (-1, 16, 16, 3), np.uint8)
    answers = model.predict({"images": np.zeros((2, 16, 16, 3), np.uint8)})
    np.testing.assert_allclose(answers["probabilities"].sum(axis=1), 1.0, rtol=1e-5)


def test_the_first_version_is_the_champion(trained: RunReport) -> None:
    champion = read_champion("colours")
    assert champion is not None
    assert champion.version == trained.model.version
