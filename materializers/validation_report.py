"""Keeps a validation report: findings and gates as JSON and as a table, its page as HTML."""

from __future__ import annotations

from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.property_table import to_parquet
from vision.validation.findings_table import findings_table
from vision.validation.report import ValidationReport

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"
TABLE_FILE = "findings.parquet"


class ValidationReportMaterializer(FileMaterializer):
    """``report.json`` without the page, ``report.html``, and ``findings.parquet`` to query.

    The table repeats what the JSON file says, one row per finding and image, and is not read back.
    """

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ValidationReport,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS

    def save(self, data: ValidationReport) -> None:
        """Writes the three files."""
        self.write(REPORT_FILE, data.model_dump_json(exclude={"html"}, indent=2).encode())
        self.write(PAGE_FILE, data.html.encode())
        self.write(TABLE_FILE, to_parquet(findings_table(data.findings)))

    def load(self, data_type: type[Any]) -> ValidationReport:
        """Reads findings, gates and the page."""
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
