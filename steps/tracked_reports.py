"""What of a report goes into the tracking run."""

from __future__ import annotations

from zenml import get_step_context
from zenml.client import Client
from zenml.enums import ExecutionStatus

from steps.tracking import Tracker
from vision.evaluation import EvaluationReport
from vision.monitoring.report import MonitoringReport
from vision.validation.report import ValidationReport

_VALIDATION_STEP = "validate_dataset"


def log_evaluation(tracker: Tracker, report: EvaluationReport) -> None:
    """Logs metrics under ``<split>_<metric>``, the confusion matrix and the per-class table."""
    from vision.figures import confusion_matrix

    if tracker.run_id is None:
        return
    tracker.log_metrics({f"{report.split}_{name}": v for name, v in report.metrics.items()})
    tracker.log_file("evaluation/confusion_matrix.png", confusion_matrix(report))
    tracker.log_file("evaluation/per_class.csv", report.per_class.to_csv(index=False).encode())


def log_validation(tracker: Tracker, report: ValidationReport) -> None:
    """Logs the page, and how many errors and warnings there are as ``findings_<severity>s``."""
    tracker.log_file("validation/report.html", report.html.encode())
    tracker.log_metrics({f"findings_{name}": n for name, n in count_findings(report).items()})


def log_cached_validation(tracker: Tracker) -> None:
    """Logs the validation report of this pipeline run where its step came from the cache.

    Such a step does nothing, so the tracking run of a later step would lack the report. It is
    looked up rather than handed over, because a step that took it would run again with it.
    """
    if tracker.run_id is None:
        return
    run = Client().get_pipeline_run(get_step_context().pipeline_run.id)
    validated = run.steps.get(_VALIDATION_STEP)
    if validated is None or validated.status != ExecutionStatus.CACHED:
        return
    [[artifact]] = validated.outputs.values()
    report = artifact.load()
    assert isinstance(report, ValidationReport)
    log_validation(tracker, report)


def log_monitoring(tracker: Tracker, report: MonitoringReport, html: str) -> None:
    """Logs the page, and of each version what can be drawn over time.

    Metrics are ``drift`` (0 or 1), ``n_predictions``, ``accuracy`` and ``estimated_accuracy`` of
    the version that answered last; tags say which one that is and how all that are served went.
    """
    tracker.log_file("monitoring/report.html", html.encode())
    tracker.log_tags({"monitoring_verdict": report.verdict})
    if not report.versions:
        return
    last = report.versions[0]
    tracker.log_tags({"model_version": f"{last.name}/{last.version}"})
    tracker.log_metrics(
        {
            "drift": float(last.verdict == "drift"),
            "n_predictions": float(last.n_predictions),
            "accuracy": last.accuracy.live.value if last.accuracy else None,
            "estimated_accuracy": last.estimate.atc if last.estimate else None,
        }
    )


def count_findings(report: ValidationReport) -> dict[str, int]:
    """Returns the number of errors and of warnings."""
    severities = [finding.severity for finding in report.findings]
    return {"errors": severities.count("error"), "warnings": severities.count("warning")}
