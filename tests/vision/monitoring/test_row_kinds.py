"""Rows by kind: whole, of an older release, and broken."""

from __future__ import annotations

import numpy as np
import pytest

from vision.drift.views import DriftRows
from vision.monitoring.row_kinds import RowCounter, SortedRows, sort_rows
from vision.monitoring.traffic import BrokenRows

pytestmark = pytest.mark.unit


def vectors_of(n: int, *, penultimate: int = 3) -> dict[str, np.ndarray]:
    sizes = {"probabilities": 2, "uae": 4, "bbsd": 2, "penultimate": penultimate}
    return {view: np.ones((n, size), np.float32) for view, size in sizes.items()}


def sort(vectors: dict[str, np.ndarray], reference: DriftRows | None) -> str:
    """Returns a letter for each row: w, o or b."""
    views = {view: each for view, each in vectors.items() if view != "probabilities"}
    rows = sort_rows(vectors["probabilities"], views, reference)
    pairs = zip(rows.is_whole, rows.is_old, strict=True)
    return "".join("w" if whole else "o" if old else "b" for whole, old in pairs)


def reference(uae: int = 4) -> DriftRows:
    sizes = (uae, 2, 3, 1)
    return DriftRows(*(np.zeros((5, size)) for size in sizes), np.zeros(5, np.int64))


@pytest.mark.fault
def test_a_row_that_is_not_finite_is_broken_and_one_without_the_third_embedding_old() -> None:
    batch = vectors_of(7)
    batch["penultimate"][1] = np.nan  # as the log gives what was not stored
    batch["penultimate"][2, 0] = np.nan
    batch["uae"][3, 0] = np.inf
    batch["probabilities"][4] = np.nan
    # A model that answers nothing but NaN.
    for vectors in batch.values():
        vectors[5] = np.nan
    assert sort(batch, reference()) == "wobbbbw"


def test_without_any_third_embedding_all_are_old() -> None:
    batch = vectors_of(3, penultimate=0)
    assert sort(batch, reference()) == "ooo"
    assert sort(batch, None) == "ooo"


def test_vectors_of_another_length_are_broken() -> None:
    assert sort(vectors_of(2), reference(uae=5)) == "bb"
    assert sort(vectors_of(2), None) == "ww"


def test_the_newest_are_those_that_the_detectors_reach_back_to() -> None:
    counter = RowCounter(3)

    def add(kinds: str) -> None:
        letters = np.array(list(kinds))
        counter.add(SortedRows(letters == "w", letters == "o"))

    add("wbob")
    assert (counter.n_old, counter.broken) == (1, BrokenRows(2, 2, 3))
    # The third whole row is the last of the newest.
    add("wbwbwb")
    assert (counter.n_old, counter.broken) == (1, BrokenRows(5, 3, 6))
    add("bbo")
    assert (counter.n_old, counter.broken) == (2, BrokenRows(7, 3, 6))
