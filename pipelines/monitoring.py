"""Looks at what a served model predicted: what moved, who is told, what is done."""

from __future__ import annotations

from zenml import pipeline
from zenml.enums import ExecutionMode

from pipelines.options import retried, tracked, validator
from steps.check_predictions import check_predictions
from steps.check_properties import check_properties
from steps.read_predictions import read_predictions
from steps.report_monitoring import report_monitoring
from steps.tell_change import tell_change
from steps.write_review import write_review
from vision.config import JobConfig


@pipeline(name="monitoring", execution_mode=ExecutionMode.STOP_ON_FAILURE)
def monitoring(job: JobConfig) -> None:
    """Reads the prediction log, tests each version, reports, and tells people.

    Args:
      job: the whole configuration; each step takes the sections it needs.
    """
    plain, section = retried(job), job.monitoring
    traffic = read_predictions.with_options(**plain)(
        name=job.model.name, monitoring=section, seed=job.drift.seed
    )
    checks = check_predictions.with_options(**plain)(
        traffic, monitoring=section, seed=job.drift.seed
    )
    properties = check_properties.with_options(**plain)(traffic, validator=validator())
    # Not tried again: it adds to the history.
    report, page = report_monitoring.with_options(**tracked(job) | {"retry": None})(
        traffic, checks, properties, monitoring=section
    )
    tell_change(report, monitoring=section, page=page)
    if section.on_drift == "review":
        # People are told also where the disk has no room for a batch.
        write_review.with_options(**plain)(
            traffic, report, review=section.review, after="tell_change"
        )
