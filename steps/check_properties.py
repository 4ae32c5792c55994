"""Compares image properties with the reference set, through the active stack's data validator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from zenml import step
from zenml.client import Client

from steps.caching import by_content, code_of
from steps.logged_periods import find_reference_set
from vision.errors import BundleError, StackError
from vision.monitoring.checks import PropertyChecks
from vision.monitoring.traffic import Traffic, VersionTraffic
from vision.validation.validator import PropertyComparer

# The validator comes from the stack; its code counts as much as what is imported here.
code = code_of(__name__, "stacks.flavors.deepchecks_validator", "stacks.flavors.schema_validator")


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.monitoring_checks.PropertyChecksMaterializer",
)
def check_properties(
    traffic: Traffic, validator: str = ""
) -> Annotated[PropertyChecks, "property_checks"]:
    """Runs the validator's ``feature_drift`` on a sample of each version's images.

    Args:
      traffic: what was predicted.
      validator: flavor and configuration of the data validator; part of the cache key.

    Raises:
      StackError: the stack's data validator cannot compare properties.
    """
    comparer = _comparer()
    findings = {each.version: _compare(comparer, traffic.name, each) for each in traffic.versions}
    return PropertyChecks(validator.split(" ")[0], findings)


def _compare(comparer: PropertyComparer, name: str, traffic: VersionTraffic) -> Mapping[str, str]:
    if traffic.problem or traffic.period.properties.empty:
        return {}
    try:
        reference = find_reference_set(name, traffic.version)
    except BundleError:
        return {}  # the report says why
    return comparer.compare_properties(reference.properties, traffic.period.properties)


def _comparer() -> PropertyComparer:
    stack = Client().active_stack
    validator: object = stack.data_validator
    if not isinstance(validator, PropertyComparer):
        raise StackError(
            f"stack {stack.name}: its data validator is {validator}, and must have "
            "compare_properties(reference, predictions); apply the project's stacks with "
            "python run.py stacks apply"
        )
    return validator
