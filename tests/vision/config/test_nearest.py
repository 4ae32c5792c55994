"""The name that was meant is found, and how far away it is."""

from __future__ import annotations

import pytest

from vision.config.nearest import did_you_mean, distance, is_close, nearest


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("epochs", "epochs", 0),
        ("epcohs", "epochs", 1),  # neighbours swapped
        ("epoch", "epochs", 1),
        ("epochss", "epochs", 1),
        ("epxchs", "epochs", 1),
        ("Learning-Rate", "learning_rate", 0),
        ("", "seed", 4),
        ("seed", "", 4),
        ("kitten", "sitting", 3),
    ],
)
def test_distance_counts_edits(first: str, second: str, edits: int) -> None:
    assert distance(first, second) == edits


def test_nearest_takes_the_fewest_edits() -> None:
    assert nearest("bacth_size", ["epochs", "batch_size", "seed"]) == "batch_size"
    assert nearest("anything", []) is None


def test_nearest_breaks_ties_by_shared_text() -> None:
    # Both are five edits away; only one is contained in the word.
    assert nearest("test_typo", ["train", "test"]) == "test"


def test_a_third_of_a_name_may_differ() -> None:
    assert is_close("epcohs", "epochs")
    assert is_close("epxxhs", "epochs")
    assert not is_close("xxxxhs", "epochs")
    assert is_close("sed", "seed")
    assert not is_close("foo", "seed")


def test_a_name_far_from_all_gets_no_guess() -> None:
    assert did_you_mean("on-pren", ["aws", "on-prem"]) == "did you mean 'on-prem'?"
    assert did_you_mean("nope", ["aws", "on-prem"]) == "known: aws, on-prem"
    assert did_you_mean("nope", []) == "known: none"
