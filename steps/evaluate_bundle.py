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
from vision.errors import ModelError
from vision.evaluation import EvaluationReport, evaluate_model

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.evaluation_report.EvaluationReportMaterializer",
)
def evaluate_bundle(
    table: AnnotationTable, bundle: Bundle, evaluation: EvaluationConfig
) -> Annotated[EvaluationReport, "evaluation_report"]:
    """Scores one split in one ordered pass and judges the minimums; stops nothing.

    Raises:
      ModelError: the model knows other classes than the dataset has.
    """
    tracker = tracking.current()
    manifest = bundle.manifest
    if manifest.classes != table.classes:
        raise ModelError(
            f"{manifest.name} {manifest.version} knows the classes {', '.join(manifest.classes)}, "
            f"the dataset has {', '.join(table.classes)}; evaluate it on a dataset of its own "
            "classes"
        )
    serving = ServingModel.load(bundle.folder)
    report = evaluate_model(
        lambda images: serving.predict(images).probabilities,
        table,
        manifest.input_size,
        evaluation,
    )
    tracker.log_tags({"model_version": f"{manifest.name}/{manifest.version}"})
    log_cached_validation(tracker)
    log_evaluation(tracker, report)
    log_metadata({"tracking_run": tracker.run_id or ""}, infer_artifact=True)
    return report
