"""Puts the report of monitoring together, and writes it where people look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from zenml import log_metadata, step

from steps import tracking
from steps.logged_periods import find_bundle, find_reference_set, kept_images
from steps.tracked_reports import log_monitoring
from vision.bundles.manifest import Manifest, read_manifest
from vision.config import MonitoringConfig
from vision.monitoring.checks import DriftChecks, PropertyChecks
from vision.monitoring.published import PublishedReport, publish, read_history
from vision.monitoring.reference import ReferenceSet
from vision.monitoring.report_page import write_page
from vision.monitoring.summing_up import sum_up
from vision.monitoring.traffic import Traffic


# Never from the cache: it adds to the history and writes files.
@step(
    enable_cache=False,
    output_materializers={
        "monitoring_report": "materializers.monitoring_report.MonitoringReportMaterializer"
    },
)
def report_monitoring(
    traffic: Traffic, checks: DriftChecks, properties: PropertyChecks, monitoring: MonitoringConfig
) -> tuple[Annotated[PublishedReport, "monitoring_report"], Annotated[str, "page"]]:
    """Judges each version and publishes the page: dashboard, tracking run, and a file.

    Returns the report and the path of that file.

    Args:
      traffic: what was predicted.
      checks: the tests.
      properties: what the data validator said.
      monitoring: which version was asked for, and how many predictions a test needs.

    Raises:
      VisionError: the page cannot be written.
    """
    tracker = tracking.current()

    def find(version: str) -> tuple[Manifest, ReferenceSet]:
        reference = find_reference_set(traffic.name, version)
        return read_manifest(find_bundle(traffic.name, version)), reference

    report = sum_up(
        traffic,
        checks,
        properties,
        find,
        config=monitoring,
        history=read_history(traffic.name),
        created_at=datetime.now(UTC),
    )
    html = write_page(report, kept_images())
    page = str(publish(report, html))
    log_monitoring(tracker, report, html)
    noted = {"tracking_run": tracker.run_id or "", "page": page, "note": traffic.note}
    log_metadata(metadata=noted, infer_artifact=True, artifact_name="monitoring_report")
    return PublishedReport(**dict(report), html=html), page
