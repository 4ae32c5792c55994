"""Reading a period: what is kept, in what order, and how much of it."""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from tests.vision.monitoring.traffic import END, Drawn, batch_of, class_names, read, reference_set
from vision.drift.names import VIEWS
from vision.images.measure import NUMERIC
from vision.monitoring import period as period_module
from vision.monitoring.period import PeriodReader

pytestmark = pytest.mark.unit

THREE = class_names(3)


def test_nothing() -> None:
    period = read(THREE)
    assert (period.n, period.first, period.last, len(period.newest)) == (0, None, None, 0)
    assert period.class_counts.tolist() == [0, 0, 0]
    assert list(period.properties) == list(NUMERIC)
    assert period.probabilities.shape == (0, 3)
    assert period.days == period.candidates == ()


def test_newest_rows_oldest_first() -> None:
    new, old = Drawn(30, seed=1), Drawn(50, seed=2)
    period = read(
        THREE,
        batch_of(new, THREE),
        batch_of(old, THREE, end=END - timedelta(hours=30)),
        n_newest=40,
    )
    expected = np.concatenate([new.rows.uae, old.rows.uae[:10]])[::-1]
    assert np.array_equal(period.newest.uae, expected)
    assert np.array_equal(period.newest.newest(1).uae[0], new.rows.uae[0])
    assert period.last == END.replace(tzinfo=UTC)
    assert period.first == datetime(2026, 11, 17, 5, tzinfo=UTC)


def test_days_are_counted_exactly() -> None:
    drawn = Drawn(300, seed=3)
    batch = batch_of(drawn, THREE, labelled=0.5)
    period = read(THREE, batch)
    days = np.array([str(time)[:10] for time in batch.times])
    assert [day.day.isoformat() for day in period.days] == sorted(set(days))
    for day in period.days:
        mine = days == day.day.isoformat()
        told = np.array([labels is not None for labels in batch.true_labels])
        right = drawn.classes == drawn.true
        assert day.n == mine.sum()
        assert day.confidence == pytest.approx(
            drawn.probabilities.max(axis=1)[mine].sum(), rel=1e-6
        )
        assert day.n_abstained == batch.is_abstained[mine].sum()
        assert day.n_labelled == (mine & told).sum()
        assert day.n_right == (mine & told & right).sum()
        assert day.classes.tolist() == np.bincount(drawn.classes[mine], minlength=3).tolist()
    assert period.class_counts.sum() == 300


def test_batches_make_no_difference() -> None:
    drawn, reference = Drawn(400, seed=4), reference_set()
    whole = batch_of(drawn, THREE, labelled=0.3)
    parts = []
    for start in range(0, 400, 70):
        part = slice(start, start + 70)
        parts.append(
            type(whole)(
                times=whole.times[part],
                request_ids=whole.request_ids[part],
                labels=whole.labels[part],
                probabilities=whole.probabilities[part],
                is_abstained=whole.is_abstained[part],
                rows=whole.rows.take(part),
                properties={name: values[part] for name, values in whole.properties.items()},
                images=whole.images[part],
                true_labels=whole.true_labels[part],
            )
        )
    one = read(THREE, whole, reference=reference)
    many = read(THREE, *parts, reference=reference)
    assert np.array_equal(one.newest.properties, many.newest.properties)
    assert one.windows.keys() == many.windows.keys()
    for day, rows in one.windows.items():
        assert np.array_equal(rows.uae, many.windows[day].uae)
    assert [day.n_right for day in one.days] == [day.n_right for day in many.days]
    assert np.array_equal(one.outcomes.confusion, many.outcomes.confusion)
    assert [each.request_id for each in one.candidates] == [
        each.request_id for each in many.candidates
    ]


def test_windows_are_of_one_day() -> None:
    drawn = Drawn(500, seed=5)
    period = read(THREE, batch_of(drawn, THREE, hours=0.05))
    assert {day: len(rows) for day, rows in period.windows.items()} == {
        date(2026, 11, 20): 200,
        date(2026, 11, 19): 200,
    }
    # Noon back to midnight is the newest 241 of 3 minutes each; the next is the day before.
    assert np.array_equal(period.windows[date(2026, 11, 19)].uae[-1], drawn.rows.uae[241])


def test_images_that_were_not_measured_are_left_out_of_the_sample() -> None:
    drawn = Drawn(40, seed=6)
    drawn.properties["entropy"][:15] = np.nan
    period = read(THREE, batch_of(drawn, THREE))
    assert (period.n_measured, len(period.properties)) == (25, 25)
    assert np.isfinite(period.properties.to_numpy()).all()


def test_columns_of_different_lengths_are_refused() -> None:
    good = batch_of(Drawn(5), THREE)
    with pytest.raises(ValueError, match="'images': 4"):
        type(good)(**{**vars(good), "images": [None] * 4})


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"N_SAMPLE": 50, "N_CANDIDATES": 20, "N_WINDOW": 10, "N_WINDOWS": 5}.items():
        monkeypatch.setattr(period_module, name, value)
    reader = PeriodReader(THREE, n_newest=30, seed=0, reference=reference_set().rows)
    for number in range(60):
        drawn = Drawn(100, seed=number, shift=2.0)
        reader.add(batch_of(drawn, THREE, end=END - timedelta(hours=100 * number), labelled=1.0))
    period = reader.finish()
    assert period.n == 6_000
    assert len(period.newest) == 30
    assert len(period.properties) == len(period.probabilities) == 50
    assert len(period.windows) == 5
    assert max(len(rows) for rows in period.windows.values()) == 10
    assert max(period.windows) == END.date()
    assert len(period.candidates) <= 4 * 20
    gc.collect()
    # What is kept must not be a view that holds the whole batch.
    kept = [rows.view(view) for rows in reader._newest for view in VIEWS]
    assert all(values.base is None or len(values.base) <= 30 for values in kept)
    assert all(each.embedding.base is None for each in period.candidates)
