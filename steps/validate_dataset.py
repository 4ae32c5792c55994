"""Validates the dataset through the active stack's data validator."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import log_metadata, step
from zenml.client import Client

from steps import tracking
from steps.caching import by_content, code_of
from steps.tracked_reports import count_findings, log_validation
from vision.config import ValidationConfig
from vision.datasets.table import AnnotationTable
from vision.errors import StackError
from vision.validation import checks
from vision.validation.find import find_problems
from vision.validation.report import ValidationReport
from vision.validation.thumbnails import thumbnails_from
from vision.validation.validator import DataValidator

# The validator comes from the stack; its code counts as much as what is imported here.
code = code_of(__name__, "stacks.flavors.deepchecks_validator", "stacks.flavors.schema_validator")


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.validation_report.ValidationReportMaterializer",
)
def validate_dataset(
    table: AnnotationTable,
    properties: pd.DataFrame,
    validation: ValidationConfig,
    class_changes: tuple[str, ...] = (),
    validator: str = "",
) -> Annotated[ValidationReport, "validation_report"]:
    """Runs our checks and the validator's suites, and judges the conditions; stops nothing.

    Args:
      table: the images.
      properties: their properties.
      validation: what runs, and under which conditions the gate will stop.
      class_changes: how the classes differ from those of the model in use, in sentences.
      validator: flavor and configuration of the data validator; part of the cache key.
    """
    del validator
    tracker = tracking.current()
    findings = (
        *checks.class_changes(class_changes, validation.allow_class_changes),
        *find_problems(table, properties, validation),
    )
    thumbnail = thumbnails_from(table.root)
    report = _validator().validate(properties, findings, validation, thumbnail)
    log_validation(tracker, report)
    noted = {"tracking_run": tracker.run_id or "", **count_findings(report)}
    log_metadata(noted, infer_artifact=True)
    return report


def _validator() -> DataValidator:
    stack = Client().active_stack
    if not isinstance(stack.data_validator, DataValidator):
        raise StackError(
            f"stack {stack.name}: its data validator is {stack.data_validator}, and must have "
            "validate(properties, findings, config, thumbnail); apply the project's stacks with "
            "python run.py stacks apply"
        )
    return stack.data_validator
