"""Both data validators compare predictions with the reference set, property by property."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from zenml.enums import StackComponentType

from stacks.flavors.deepchecks_validator import DeepchecksValidator, DeepchecksValidatorConfig
from stacks.flavors.property_validator import PropertyValidator
from stacks.flavors.schema_validator import SchemaValidator, SchemaValidatorConfig
from vision.images.measure import NUMERIC
from vision.validation.validator import PropertyComparer

KINDS = {
    "deepchecks_tabular": (DeepchecksValidator, DeepchecksValidatorConfig),
    "property_schema": (SchemaValidator, SchemaValidatorConfig),
}


@pytest.fixture(params=KINDS)
def validator(request: pytest.FixtureRequest) -> PropertyValidator:
    kind, config = KINDS[request.param]
    return kind(
        name="it",
        id=uuid4(),
        config=config(),
        flavor=request.param,
        type=StackComponentType.DATA_VALIDATOR,
        user=None,
        created=datetime.now(UTC),
        updated=datetime.now(UTC),
    )


def table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(10, 1, n) for name in NUMERIC}
    # Squares of one size: nothing to compare.
    return pd.DataFrame(columns).assign(aspect=1.0, area_px=1024.0)


@pytest.mark.integration
def test_what_moved_is_named_the_worst_first(validator: PropertyValidator) -> None:
    assert isinstance(validator, PropertyComparer)
    moved = table(400, 1)
    moved["sharpness"] += 1.0
    moved["n_bytes"] += 3.0
    found = validator.compare_properties(table(300, 0), moved)
    assert list(found) == ["n_bytes", "sharpness"]
    assert found["n_bytes"].startswith(f"feature_drift of {validator.FLAVOR().name}: 0.8")
    assert found["n_bytes"].endswith(
        f"at most 0.2; median {table(300, 0)['n_bytes'].median():.4g} in the reference set, "
        f"{moved['n_bytes'].median():.4g} in the predictions"
    )


@pytest.mark.integration
def test_alike_or_too_few_images_give_nothing(validator: PropertyValidator) -> None:
    assert validator.compare_properties(table(300, 0), table(300, 1)) == {}
    assert validator.compare_properties(table(300, 0), table(50, 1) + 9) == {}
