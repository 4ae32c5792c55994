"""The declared columns of the image-property table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vision.properties import COLUMNS, NUMERIC, measure_image
from vision.validation.schema import DECLARED, MEASURED, check_ranges, read_schema


def rows(n: int = 3) -> pd.DataFrame:
    image = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    named = {"path": "a.png", "label": "cat", "split": "train"}
    measured = [named | measure_image(image, 100) for _ in range(n)]
    return pd.DataFrame(measured).assign(path=[f"{i}.png" for i in range(n)])


def test_what_is_measured_is_declared() -> None:
    assert set(DECLARED) == set(COLUMNS)
    assert set(MEASURED) == set(NUMERIC)


def test_real_measurements_keep_the_schema_also_at_the_ends() -> None:
    assert read_schema(rows(), {}).value == 0.0
    for value in (0, 255):
        flat = measure_image(np.full((8, 8, 3), value, np.uint8), 1)
        assert read_schema(rows(1).assign(**flat), {}).value == 0.0
    halves = np.zeros((8, 8, 3), np.uint8)
    halves[:4] = 255
    assert read_schema(rows(1).assign(**measure_image(halves, 1)), {}).value == 0.0
    every = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    assert read_schema(rows(1).assign(**measure_image(every, 1)), {}).value == 0.0


@pytest.mark.fault
@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("brightness", 1.2, "brightness is no number from 0 to 1 in 1"),
        ("sharpness", -1.0, "sharpness is no number >= 0 in 1"),
        ("sharpness", np.inf, "sharpness is no number >= 0 in 1"),
        ("area_px", 10.5, "area_px is no whole number >= 1 in 1"),
        ("perceptual_hash", "xyz", "perceptual_hash is no hash in 1"),
        ("label", "", "label is no text in 1"),
        ("label", None, "label is no text in 1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named_with_its_image(
    column: str, value: object, said: str
) -> None:
    properties = rows()
    properties[column] = properties[column].astype(
        object if properties[column].dtype == object else float
    )
    properties.loc[1, column] = value
    reading = read_schema(properties, {})
    assert (reading.value, reading.images) == (1.0, ("1.png",))
    assert reading.sentence == f"1 image with values that the schema does not allow: {said}"
    assert reading.notes[0].startswith(column)


def test_a_missing_value_is_another_checks_business() -> None:
    properties = rows()
    properties.loc[1, "brightness"] = np.nan
    assert read_schema(properties, {}).value == 0.0


@pytest.mark.fault
def test_a_column_that_is_gone_or_text_breaks_every_image() -> None:
    reading = read_schema(rows().drop(columns="entropy").assign(contrast="much"), {})
    assert reading.value == 3.0
    assert "contrast is no number from 0 to 0.5 in 3; there is no column entropy" in (
        reading.sentence
    )
    assert reading.notes == ("contrast much, no entropy",) * 3


def test_ranges_replace_the_declared_ones() -> None:
    properties = rows().assign(brightness=[0.01, 0.5, 0.99])
    reading = read_schema(properties, {"brightness": (0.05, 0.95)})
    assert reading.images == ("0.png", "2.png")
    assert reading.notes == ("brightness 0.01", "brightness 0.99")
    assert "brightness is no number from 0.05 to 0.95 in 2" in reading.sentence


def test_ranges_are_checked() -> None:
    check_ranges({"brightness": (0.0, 0.0)})
    with pytest.raises(ValueError, match=r"^ranges\.label: there is no such property; known: bri"):
        check_ranges({"label": (0.0, 1.0)})
    with pytest.raises(
        ValueError, match=r"^ranges\.aspect: nan to 1 is empty; write \[LOW, HIGH\]"
    ):
        check_ranges({"aspect": (float("nan"), 1.0)})
