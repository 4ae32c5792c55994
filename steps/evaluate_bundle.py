"""Scores a bundle with the very graph that is served."""

from __future__ import annotations

from typing import Annotated

from zenml import log_metadata, step

from steps import tracking
from steps.caching import by_content, code_of
from steps.tracked_reports import log_cached_validation, log_evaluation
from vision.bundles.build import Bundle
from vision.bundles.load import ServingModel
from vision.config import EvaluationConfig
from vision.datasets.table import AnnotationTable
from vision.evaluation import EvaluationReport, evaluate_model
from vision.progress import say
from vision.shared_classes import share_classes

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.evaluation_report.EvaluationReportMaterializer",
)
def evaluate_bundle(
    table: AnnotationTable, bundle: Bundle, evaluation: EvaluationConfig
) -> Annotated[EvaluationReport, "evaluation_report"]:
    """Scores one split in one ordered pass and judges the minimums; stops nothing.

    Only classes that model and dataset share are compared.

    Raises:
      ModelError: they share fewer than two.
    """
    tracker = tracking.current()
    manifest = bundle.manifest
    model = f"{manifest.name} {manifest.version}"
    shared = share_classes(table, manifest.classes, model)
    serving = ServingModel.load(bundle.folder)
    report = evaluate_model(
        shared.wrap(lambda images: serving.predict(images).probabilities),
        shared.table,
        manifest.input_size,
        evaluation,
    )
    if shared.n_images_left_out or len(shared.positions) < len(manifest.classes):
        say(
            f"{model} was scored on the {len(report.classes)} classes that it shares with the "
            f"dataset; {shared.n_images_left_out:,} images of others were left out"
        )
    tracker.log_tags({"model_version": f"{manifest.name}/{manifest.version}"})
    log_cached_validation(tracker)
    log_evaluation(tracker, report)
    noted = {"tracking_run": tracker.run_id or "", "classes": list(report.classes)}
    log_metadata(noted, infer_artifact=True)
    return report
