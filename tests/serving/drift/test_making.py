"""Rows of predictions: what has one, and what stands in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from serving.drift.making import layout_of, make_rows
from serving.drift.rows import as_drift_rows
from tests.serving.drift.samples import predictions, without_numbers
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


def test_what_is_not_finite_has_a_row_without_a_class(model: ServingModel) -> None:
    records = predictions(model, 3)
    rows = make_rows(
        [records[0], *without_numbers(records[1:2]), records[2]], layout_of(records[0])
    )
    found = as_drift_rows(rows)
    expected = [int(each.probabilities.argmax()) for each in records]
    assert found.classes.tolist() == [expected[0], -1, expected[2]]
    assert np.isfinite(found.bbsd).all(axis=1).tolist() == [True, False, True]


def test_what_does_not_fit_or_cannot_be_measured_has_none(model: ServingModel) -> None:
    records = predictions(model, 4)
    records[1] = replace(records[1], embedding_uae=np.zeros(5, np.float32))
    records[2] = replace(records[2], pixels=np.zeros((0, 0, 3), np.uint8))
    rows = make_rows(records, layout_of(records[0]))
    assert [bytes(each) for each in rows["request"]] == [b"r00000", b"r00003"]
