"""What a model version predicted in a period, read in bounded memory.

Batches come newest first, as the prediction log gives them. What is kept does not depend on their
number: the newest rows, a sample, counts by day and by class, and candidates for people to look at.
All times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.drift.names import VIEWS
from vision.drift.views import DriftRows
from vision.images.measure import NUMERIC
from vision.monitoring.batch import PeriodBatch
from vision.monitoring.candidates import Candidate, CandidatePicker, Considered
from vision.monitoring.days import Day, DayCounter, as_date, days_of
from vision.monitoring.direction import places_along_drift
from vision.monitoring.distance import ReferenceDistance
from vision.monitoring.outcomes import OutcomeCounter, Outcomes
from vision.monitoring.reservoir import Reservoir

__all__ = ["Period", "PeriodBatch", "PeriodReader"]

N_SAMPLE = 5_000
N_CANDIDATES = 700
# A day's window is at most so many rows, of at most so many days: 60 x 200 x 120 float64 = 12 MB.
N_WINDOW = 200
N_WINDOWS = 60


@dataclass(frozen=True, eq=False)
class Period:
    """What a model version predicted in a period.

    Attributes:
      classes: the model's class names.
      n: predictions.
      first: time of the oldest; None without any.
      last: time of the newest.
      newest: the newest rows, oldest first.
      windows: the newest rows of each day, at most 200, oldest first; the newest 60 days.
      properties: a random sample of measured images, at most 5,000 rows of ``NUMERIC``.
      n_measured: images that were measured.
      probabilities: ``(m, k)`` of a random sample of predictions, at most 5,000.
      days: counts by day, oldest first; they cover every prediction.
      outcomes: what people said.
      candidates: what people may want to look at, newest first.
    """

    classes: tuple[str, ...]
    n: int
    first: datetime | None
    last: datetime | None
    newest: DriftRows
    windows: dict[date, DriftRows]
    properties: pd.DataFrame
    n_measured: int
    probabilities: npt.NDArray[np.floating[Any]]
    days: tuple[Day, ...]
    outcomes: Outcomes
    candidates: tuple[Candidate, ...] = field(repr=False)

    @property
    def class_counts(self) -> npt.NDArray[np.int64]:
        """Predictions of each class, ``(k,)``."""
        nothing = np.zeros(len(self.classes), np.int64)
        return np.asarray(np.sum([nothing, *(day.classes for day in self.days)], axis=0))


class PeriodReader:
    """Reads a period batch by batch; memory is bounded whatever their number.

    Args:
      classes: the model's class names.
      n_newest: rows that are kept for the detectors.
      seed: of the samples.
      reference: the rows that distances are measured from; without them no candidate is *drifted*.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        *,
        n_newest: int,
        seed: int,
        reference: DriftRows | None = None,
    ) -> None:
        self._classes = classes
        self._n_newest = n_newest
        self._distance = (
            None if reference is None else ReferenceDistance.of(reference, len(classes))
        )
        streams = np.random.default_rng(seed).spawn(3)
        self._properties = Reservoir(N_SAMPLE, streams[0])
        self._probabilities = Reservoir(N_SAMPLE, streams[1])
        self._lots = streams[2]
        self._days = DayCounter(len(classes))
        self._outcomes = OutcomeCounter(classes)
        self._candidates = CandidatePicker(N_CANDIDATES)
        self._reference = reference
        self._newest: list[DriftRows] = []
        self._newest_candidates: list[Candidate] = []
        self._windows: dict[int, list[DriftRows]] = {}
        self._n = 0
        self._range: tuple[np.datetime64, np.datetime64] | None = None

    def add(self, batch: PeriodBatch) -> None:
        """Reads further predictions, older than those before."""
        if not len(batch):
            return
        days = days_of(batch.times)
        confidence, margins = _confidence(batch.probabilities)
        self._note_time(batch.times)
        self._keep_windows(batch.rows, days)
        self._sample(batch)
        is_labelled, is_right = self._outcomes.add(batch.true_labels, batch.rows.classes)
        counted = {
            "confidence": confidence,
            "n_abstained": batch.is_abstained,
            "n_labelled": is_labelled,
            "n_right": is_right,
        }
        self._days.add(days, batch.rows.classes, counted)
        distances = (
            np.full(len(batch), np.nan) if self._distance is None else self._distance(batch.rows)
        )
        considered = Considered(
            batch.times,
            batch.request_ids,
            batch.labels,
            confidence,
            margins,
            distances,
            batch.true_labels,
            batch.images,
            batch.rows.penultimate,
            self._lots.random(len(batch)),
        )
        self._candidates.add(considered, is_labelled & ~is_right)
        self._keep_newest(batch.rows, considered)
        self._n += len(batch)

    def finish(self) -> Period:
        """Returns what was read."""
        first, last = (None, None) if self._range is None else map(_as_datetime, self._range)
        newest = _oldest_first(self._newest)
        self._find_drifted(newest)
        sample = self._properties.columns()
        probabilities = self._probabilities.columns().get("probabilities")
        return Period(
            classes=self._classes,
            n=self._n,
            first=first,
            last=last,
            newest=newest,
            windows={
                as_date(day): _oldest_first(parts) for day, parts in sorted(self._windows.items())
            },
            properties=pd.DataFrame({name: sample.get(name, np.empty(0)) for name in NUMERIC}),
            n_measured=self._properties.n_seen,
            probabilities=(
                np.empty((0, len(self._classes))) if probabilities is None else probabilities
            ),
            days=self._days.days(),
            outcomes=self._outcomes.finish(),
            candidates=self._candidates.finish(),
        )

    def _note_time(self, times: npt.NDArray[np.datetime64]) -> None:
        low, high = self._range or (times.min(), times.max())
        self._range = (min(low, times.min()), max(high, times.max()))

    def _keep_newest(self, rows: DriftRows, considered: Considered) -> None:
        missing = min(self._n_newest - len(self._newest_candidates), len(rows))
        if missing > 0:
            self._newest.append(rows.take(np.arange(missing)))
            self._newest_candidates += map(considered.candidate, range(missing))

    def _find_drifted(self, newest: DriftRows) -> None:
        if self._reference is not None and len(newest):
            places = places_along_drift(self._reference, newest)[::-1].tolist()
            pairs = zip(self._newest_candidates, places, strict=True)
            self._candidates.add_drifted([replace(each, distance=far) for each, far in pairs])

    def _keep_windows(self, rows: DriftRows, days: npt.NDArray[np.int64]) -> None:
        for day in np.unique(days)[::-1].tolist():
            if day not in self._windows and len(self._windows) == N_WINDOWS:
                continue
            parts = self._windows.setdefault(day, [])
            missing = N_WINDOW - sum(map(len, parts))
            if missing > 0:
                parts.append(rows.take(np.flatnonzero(days == day)[:missing]))

    def _sample(self, batch: PeriodBatch) -> None:
        self._probabilities.add({"probabilities": batch.probabilities})
        values = {name: batch.properties[name] for name in NUMERIC}
        measured = np.isfinite(np.stack(list(values.values()))).all(axis=0)
        if measured.any():
            self._properties.add({name: column[measured] for name, column in values.items()})


def _confidence(
    probabilities: npt.NDArray[np.floating[Any]],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Returns the largest probability of each row, and how far the second is below it."""
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    return two[:, 1], two[:, 1] - two[:, 0]


def _oldest_first(parts: list[DriftRows]) -> DriftRows:
    """Joins rows that come newest first, and turns them round."""
    if not parts:
        nothing = np.empty((0, 0))
        return DriftRows(nothing, nothing, nothing, nothing, np.empty(0, np.int64))
    return DriftRows(*(np.concatenate([part.view(name) for part in parts])[::-1] for name in VIEWS))


def _as_datetime(time: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(time.astype("datetime64[us]").astype(np.int64)) / 1e6, UTC)
