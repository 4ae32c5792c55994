"""Keeps a validation report: findings and gates as JSON, its page as HTML."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from vision.validation.report import ValidationReport

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"


class ValidationReportMaterializer(FileMaterializer):
    """``report.json`` without the page, and ``report.html``."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ValidationReport,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: ValidationReport) -> None:
        """Writes both files."""
        self.write(REPORT_FILE, data.model_dump_json(exclude={"html"}, indent=2).encode())
        self.write(PAGE_FILE, data.html.encode())

    def load(self, data_type: type[Any]) -> ValidationReport:
        """Reads both files."""
        report = ValidationReport.model_validate_json(self.read(REPORT_FILE))
        return report.model_copy(update={"html": self.read(PAGE_FILE).decode()})

    def save_visualizations(self, data: ValidationReport) -> dict[str, VisualizationType]:
        """Shows the page."""
        return {self.uri_of(PAGE_FILE): VisualizationType.HTML} if data.html else {}

    def extract_metadata(self, data: ValidationReport) -> dict[str, Any]:
        """Counts the findings of each severity and names the gates that stop."""
        severities = [finding.severity for finding in data.findings]
        return {
            "validator": data.validator,
            "passed": data.passed,
            "n_errors": severities.count("error"),
            "n_warnings": severities.count("warning"),
            "n_infos": severities.count("info"),
            "failed_gates": [gate.sentence for gate in data.gates if not gate.passed],
        }

    def compute_content_hash(self, data: ValidationReport) -> str:
        """Hashes findings and gates; the page may carry times and random ids."""
        return content_hash(data.model_dump_json(exclude={"html"}))
