"""Puts together what happened from what a pipeline run left in the artifact store.

Nothing is taken from this process, so that runs of any orchestrator are reported alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from zenml.client import Client
from zenml.enums import ExecutionStatus
from zenml.models import ArtifactVersionResponse, PipelineRunResponse, StepRunResponse
from zenml.utils.dashboard_utils import get_run_url

from pipelines.deployed import Deployed, find_deployed
from pipelines.monitoring_entry import MonitoringEntry
from pipelines.report import FindingEntry, ModelName, RunLink, RunReport
from steps import tracking
from vision.bundles.build import Bundle
from vision.evaluation import EvaluationReport
from vision.monitoring.report import MonitoringReport
from vision.validation.report import Gate, ValidationReport

# Training comes first: a model's tracking run is the one that it was trained in.
_MONITORING_STEP = "report_monitoring"
_REVIEW_STEP = "write_review"
_TRACKING_STEPS = (
    "train_model",
    "evaluate_model",
    "evaluate_bundle",
    "validate_dataset",
    _MONITORING_STEP,
)


def collect(run: PipelineRunResponse) -> RunReport:
    """Returns the report of a finished pipeline run."""
    steps = run.steps
    validation = _load(steps, "validate_dataset", ValidationReport)
    evaluation = _load(steps, "evaluate_model", EvaluationReport) or _load(
        steps, "evaluate_bundle", EvaluationReport
    )
    bundle = _load(steps, "build_bundle", Bundle) or _load(steps, "load_bundle", Bundle)
    gates = (*_gates(validation), *_gates(evaluation))
    monitoring = _monitoring(steps)
    deployed = find_deployed(steps)
    status = _status(run, gates, monitoring, deployed)
    return RunReport(
        pipeline=run.pipeline.name if run.pipeline else run.name,
        status=status,
        pipeline_run=RunLink(id=str(run.id), url=get_run_url(run)),
        tracking_run=_tracking_run(steps),
        metrics=_finite(evaluation.metrics) if evaluation else {},
        gates=gates,
        model=_model(steps, bundle),
        bundle=str(bundle.folder) if bundle else None,
        seconds={name: _seconds(step) for name, step in steps.items()},
        findings=tuple(map(FindingEntry.of, validation.findings)) if validation else (),
        left_out=_left_out(steps),
        monitoring=monitoring,
        deployment=deployed.sentences,
        error=_why(run, monitoring) if status == "failed" and not deployed.is_undone else None,
    )


def find_monitoring(run: PipelineRunResponse) -> MonitoringReport:
    """Returns the report of a pipeline run that made one."""
    report = _load(run.steps, _MONITORING_STEP, MonitoringReport)
    assert isinstance(report, MonitoringReport)
    return report


def _monitoring(steps: Mapping[str, StepRunResponse]) -> MonitoringEntry | None:
    report = _load(steps, _MONITORING_STEP, MonitoringReport)
    if report is None:
        return None
    [version] = steps[_MONITORING_STEP].outputs["monitoring_report"]
    noted = version.run_metadata
    review = _load(steps, _REVIEW_STEP, str)
    if _failed(steps) == [_REVIEW_STEP]:
        review = f"not written: {_reason(steps[_REVIEW_STEP])}"
    return MonitoringEntry.of(
        report, str(noted.get("page", "")), str(noted.get("note", "")), review or ""
    )


def _why(run: PipelineRunResponse, monitoring: MonitoringEntry | None) -> str:
    if run.status == ExecutionStatus.COMPLETED and monitoring is not None:
        return monitoring.problems
    return _error(run)


def _status(
    run: PipelineRunResponse,
    gates: tuple[Gate, ...],
    monitoring: MonitoringEntry | None,
    deployed: Deployed,
) -> Literal["completed", "failed", "stopped", "waiting", "drift"]:
    if deployed.outcome in ("wait", "stop"):
        return "waiting" if deployed.outcome == "wait" else "stopped"
    if deployed.is_undone:
        return "failed"
    if monitoring is not None and monitoring.has_drift and _failed(run.steps) == [_REVIEW_STEP]:
        return "drift"  # it was found and told, whatever became of the batch
    if run.status == ExecutionStatus.COMPLETED:
        if monitoring is None:
            return "completed"
        return "drift" if monitoring.has_drift else "failed" if monitoring.problems else "completed"
    return "failed" if all(gate.passed for gate in gates) else "stopped"


def _load(steps: Mapping[str, StepRunResponse], name: str, kind: type[Any]) -> Any:
    """Returns the output of a step; None where the step did not finish."""
    step = steps.get(name)
    if step is None or not step.status.is_successful:
        return None
    # A step with several outputs is asked for one of its kind.
    loaded = (version.load() for version in _artifacts(step))
    return next((each for each in loaded if isinstance(each, kind)), None)


def _artifacts(step: StepRunResponse) -> Iterator[ArtifactVersionResponse]:
    for versions in step.outputs.values():
        yield from versions


def _gates(report: ValidationReport | EvaluationReport | None) -> tuple[Gate, ...]:
    return report.gates if report else ()


def _left_out(steps: Mapping[str, StepRunResponse]) -> dict[str, int]:
    step = steps.get("select_images")
    if step is None or not step.status.is_successful:
        return {}
    noted = next(_artifacts(step)).run_metadata.get("left_out", {})
    assert isinstance(noted, dict)
    return {str(check): int(str(count)) for check, count in noted.items()}


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _model(steps: Mapping[str, StepRunResponse], bundle: Bundle | None) -> ModelName:
    """Returns the version once it has its names; a bundle that nobody registered has none."""
    is_named = "load_bundle" in steps or (
        "register_model" in steps and steps["register_model"].status.is_successful
    )
    if bundle is None or not is_named:
        return ModelName()
    return ModelName(name=bundle.manifest.name, version=bundle.manifest.version)


def _tracking_run(steps: Mapping[str, StepRunResponse]) -> RunLink:
    for name in _TRACKING_STEPS:
        if name in steps and steps[name].status.is_successful:
            notes = [each.run_metadata.get("tracking_run") for each in _artifacts(steps[name])]
            noted = str(next((note for note in notes if note), ""))
            # A model trained without a tracker has no tracking run, whatever came from the cache.
            return RunLink(id=noted, url=tracking.find_url(noted)) if noted else RunLink()
    return RunLink()


def _seconds(step: StepRunResponse) -> float:
    if step.status == ExecutionStatus.CACHED or not step.start_time or not step.end_time:
        return 0.0
    return round((step.end_time - step.start_time).total_seconds(), 3)


def _error(run: PipelineRunResponse) -> str:
    """Returns what the first failed step said, else what the run said."""
    for name in _failed(run.steps):
        return f"step {name}: {_reason(run.steps[name])}"
    if run.exception_info:
        return run.exception_info.message or run.exception_info.traceback
    return run.status_reason or f"the pipeline run ended as {run.status.value}"


def _failed(steps: Mapping[str, StepRunResponse]) -> list[str]:
    return [name for name, step in steps.items() if step.status == ExecutionStatus.FAILED]


def _reason(step: StepRunResponse) -> str:
    told = Client().get_run_step(step.id).exception_info
    return told.message or told.traceback if told else "no reason given"
