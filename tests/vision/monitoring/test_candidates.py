"""What people may want to look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.vision.monitoring.traffic import Drawn, batch_of, class_names, read, reference_set
from vision.monitoring.candidates import Candidate, CandidatePicker, Considered
from vision.monitoring.direction import places_along_drift
from vision.monitoring.distance import ReferenceDistance

pytestmark = pytest.mark.unit

THREE = class_names(3)


def considered(n: int, **columns: Any) -> Considered:
    plain: dict[str, Any] = {
        "times": np.datetime64("2026-11-20T12:00:00.000001", "us") - np.arange(n),
        "request_ids": [f"r{row}" for row in range(n)],
        "labels": ["cat"] * n,
        "confidence": np.full(n, 0.9),
        "margins": np.full(n, 0.8),
        "distances": np.zeros(n),
        "true_labels": [None] * n,
        "images": [None] * n,
        "embeddings": np.zeros((n, 2)),
        "lots": np.zeros(n),
    }
    return Considered(**{**plain, **columns})


def of_reason(found: tuple[Candidate, ...], reason: str) -> set[str]:
    return {each.request_id for each in found if reason in each.reasons}


def test_the_best_of_each_reason_over_several_batches() -> None:
    rng = np.random.default_rng(0)
    picker = CandidatePicker(5)
    margins, distances, lots = rng.random(300), 2 * rng.random(300), rng.random(300)
    confidence, wrong = rng.random(300), rng.random(300) < 0.2
    for start in range(0, 300, 40):
        part = slice(start, start + 40)
        batch = considered(
            len(margins[part]),
            request_ids=[f"r{row}" for row in range(300)[part]],
            margins=margins[part],
            distances=distances[part],
            lots=lots[part],
            confidence=confidence[part],
        )
        picker.add(batch, wrong[part])
    found = picker.finish()

    def best(scores: Any) -> set[str]:
        return {f"r{row}" for row in np.argsort(-scores)[:5]}

    assert of_reason(found, "unsure") == best(-margins)
    assert of_reason(found, "drifted") == best(distances)
    assert of_reason(found, "random") == best(lots)
    assert of_reason(found, "disagrees") == best(np.where(wrong, confidence, -1))
    assert len({each.request_id for each in found}) == len(found) <= 20


def test_nothing_is_drifted_within_the_reference() -> None:
    picker = CandidatePicker(5)
    picker.add(considered(3, distances=np.array([0.5, 1.0, np.nan])), np.zeros(3, np.bool_))
    assert of_reason(picker.finish(), "drifted") == set()


def test_kept_images_come_first() -> None:
    picker = CandidatePicker(1)
    images = [None, "a.jpg", None]
    picker.add(considered(3, margins=np.array([0.0, 0.4, 0.9]), images=images), np.zeros(3, bool))
    assert of_reason(picker.finish(), "unsure") == {"r1"}


def test_those_with_a_true_label_come_last_among_the_drifted_and_unsure() -> None:
    """Feedback on nearly all of a bad week must not fill the places of what nobody has seen."""
    picker = CandidatePicker(2)
    told: list[list[str] | None] = [["cat"], ["cat"], ["cat"], ["cat", "dog"], None]
    batch = considered(
        5,
        true_labels=told,
        margins=np.array([0.0, 0.1, 0.2, 0.3, 0.4]),
        distances=np.array([9.0, 8.0, 7.0, 6.0, 5.0]),
        images=["a.jpg", "b.jpg", "c.jpg", "d.jpg", None],
        lots=np.array([0.9, 0.8, 0.1, 0.1, 0.1]),
    )
    picker.add(batch, np.zeros(5, bool))
    picker.add_drifted([batch.candidate(0)])
    found = picker.finish()
    assert of_reason(found, "unsure") == of_reason(found, "drifted") == {"r3", "r4"}
    assert of_reason(found, "random") == {"r0", "r1"}


def test_times_keep_their_microseconds() -> None:
    candidate = considered(1).candidate(0)
    assert candidate.time.isoformat() == "2026-11-20T12:00:00.000001+00:00"


def test_distance_finds_what_is_far() -> None:
    reference = reference_set()
    distance = ReferenceDistance.of(reference.rows, 3)
    own = distance(reference.rows)
    # Each space has a hundredth of its rows beyond 1, so together no more than two.
    assert 0.005 <= (own > 1.0).mean() <= 0.02
    assert (distance(Drawn(200, seed=8, shift=5.0).rows) > 1.0).mean() > 0.95
    assert (distance(Drawn(400, seed=9).rows) > 1.0).mean() < 0.06


def test_distance_by_hand() -> None:
    """Two classes of ten rows each, one unit apart: the covariance is known."""
    reference = reference_set(n=40)
    distance = ReferenceDistance.of(reference.rows, 3)
    centre = distance.spaces[1].means[reference.rows.classes[:1]]
    assert distance.spaces[1].distances(centre, reference.rows.classes[:1]) == [0.0]


def test_a_class_without_a_reference_image_is_compared_with_all() -> None:
    rows = Drawn(50, seed=1, only=[0]).rows
    distance = ReferenceDistance.of(rows, 3)
    assert np.isfinite(distance(Drawn(20, seed=2).rows)).all()


def test_reader_without_reference_has_no_drifted() -> None:
    period = read(THREE, batch_of(Drawn(50, shift=9.0), THREE))
    assert {reason for each in period.candidates for reason in each.reasons} == {
        "unsure",
        "random",
    }


def test_direction_finds_what_no_distance_finds() -> None:
    """A third of the newest images moved by one deviation, in their properties alone."""
    reference = reference_set().rows
    newest = Drawn(300, seed=11).rows
    newest.properties[200:] += 0.1
    first = np.argsort(-places_along_drift(reference, newest))[:30]
    assert (first >= 200).mean() > 0.9
    far = np.argsort(-ReferenceDistance.of(reference, 3)(newest))[:30]
    assert (far >= 200).mean() < 0.6


def test_direction_finds_little_where_nothing_moved() -> None:
    places = places_along_drift(reference_set().rows, Drawn(300, seed=13).rows)
    assert (places > 1.0).mean() < 0.08


def test_direction_needs_rows() -> None:
    reference = reference_set().rows
    assert places_along_drift(reference, Drawn(10, shift=5.0).rows).tolist() == [0.0] * 10
    rows = Drawn(60, shift=5.0).rows
    rows.properties[:] = np.nan
    assert (places_along_drift(reference, rows) > 1.0).all()


def test_the_reader_tells_which_moved() -> None:
    reference = reference_set()
    still, moved = Drawn(200, seed=11), Drawn(100, seed=12, shift=1.0)
    old = batch_of(still, THREE)
    old = replace(old, request_ids=[f"old-{number}" for number in range(200)])
    period = read(THREE, batch_of(moved, THREE), old, reference=reference, n_newest=300)
    drifted = [each for each in period.candidates if "drifted" in each.reasons]
    assert len(drifted) > 50
    drifted.sort(key=lambda each: -(each.distance or 0.0))
    assert np.mean([each.request_id.startswith("old") for each in drifted[:30]]) < 0.1
    assert len({each.request_id for each in period.candidates}) == len(period.candidates)
