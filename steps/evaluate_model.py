"""Scores the trained model."""

from __future__ import annotations

from typing import Annotated

from zenml import log_metadata, step

from steps import tracking
from steps.caching import by_content, code_of
from steps.tracked_reports import log_evaluation
from vision import evaluation as core
from vision.config import EvaluationConfig, ModelConfig
from vision.datasets.table import AnnotationTable
from vision.evaluation import EvaluationReport
from vision.training.fit import TrainedModel

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.evaluation_report.EvaluationReportMaterializer",
)
def evaluate_model(
    table: AnnotationTable, trained: TrainedModel, model: ModelConfig, evaluation: EvaluationConfig
) -> Annotated[EvaluationReport, "evaluation_report"]:
    """Scores one split in one ordered pass and judges the minimums; stops nothing."""
    tracker = tracking.current()
    report = core.evaluate_model(trained.predict, table, model.input_size, evaluation)
    log_evaluation(tracker, report)
    log_metadata({"tracking_run": tracker.run_id or ""}, infer_artifact=True)
    return report
