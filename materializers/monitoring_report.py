"""Keeps a monitoring report: everything as JSON, and its page as HTML."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from vision.monitoring.published import PublishedReport
from vision.monitoring.report import MonitoringReport

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"


class MonitoringReportMaterializer(FileMaterializer):
    """``report.json`` without the page, and ``report.html``.

    A report is read back with its page, as a :class:`PublishedReport`.
    """

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (MonitoringReport,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: MonitoringReport) -> None:
        """Writes both files."""
        self.write(REPORT_FILE, _numbers(data).encode())
        self.write(PAGE_FILE, _page(data).encode())

    def load(self, data_type: type[Any]) -> MonitoringReport:
        """Reads both files."""
        report = PublishedReport.model_validate_json(self.read(REPORT_FILE))
        return report.model_copy(update={"html": self.read(PAGE_FILE).decode()})

    def save_visualizations(self, data: MonitoringReport) -> dict[str, VisualizationType]:
        """Shows the page."""
        return {self.uri_of(PAGE_FILE): VisualizationType.HTML} if _page(data) else {}

    def extract_metadata(self, data: MonitoringReport) -> dict[str, Any]:
        """Gives the verdict, and for each version how it went and what moved."""
        return {
            "model": data.name,
            "verdict": data.verdict,
            "verdicts": {each.version: each.verdict for each in data.versions},
            "moved": {each.version: list(each.moved) for each in data.versions},
        }

    def compute_content_hash(self, data: MonitoringReport) -> str:
        """Hashes everything but the page, which follows from it."""
        return content_hash(_numbers(data))


def _numbers(data: MonitoringReport) -> str:
    return data.model_dump_json(exclude={"html"}, indent=2)


def _page(data: MonitoringReport) -> str:
    return data.html if isinstance(data, PublishedReport) else ""
