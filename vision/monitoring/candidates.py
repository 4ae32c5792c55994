"""Predictions that people may want to look at, picked from a stream in bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

REASONS = ("drifted", "unsure", "disagrees", "random")
_UNSURE = 0.5
# More than that below a kept image, whatever the score of one without it is.
_IMAGE_BONUS = 1e9
# More than that: what people have said is asked again only where there is nothing else.
_TOLD_MALUS = 2e9


@dataclass(frozen=True, eq=False)
class Candidate:
    """One prediction.

    Attributes:
      time: UTC.
      label: the predicted class.
      probability: its probability, 0 to 1.
      margin: that less the second largest probability; 0 is as unsure as can be.
      distance: from the reference images, see :mod:`vision.monitoring.distance` and, for the newest
        ones, :mod:`vision.monitoring.direction`; None where there is nothing to compare with.
      true_labels: what people said it was; empty where nobody did.
      image: path of the kept image, as the log has it; None where none was kept.
      embedding: ``(p,)`` of the layer before the logits.
      lot: drawn at random, 0 to 1; the largest are a random sample.
      reasons: of :data:`REASONS`, why it is here.
    """

    request_id: str
    time: datetime
    label: str
    probability: float
    margin: float
    distance: float | None
    true_labels: tuple[str, ...]
    image: str | None
    embedding: npt.NDArray[np.float32]
    lot: float = 0.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Considered:
    """``n`` predictions to pick from, column by column; distances are NaN without a reference."""

    times: npt.NDArray[np.datetime64]
    request_ids: Sequence[str]
    labels: Sequence[str]
    confidence: npt.NDArray[Any]
    margins: npt.NDArray[Any]
    distances: npt.NDArray[np.float64]
    true_labels: Sequence[list[str] | None]
    images: Sequence[str | None]
    embeddings: npt.NDArray[Any]
    lots: npt.NDArray[np.float64]

    def candidate(self, row: int) -> Candidate:
        """Returns one of the rows, its embedding copied so that the batch can be let go."""
        microseconds = int(self.times[row].astype("datetime64[us]").astype(np.int64))
        return Candidate(
            self.request_ids[row],
            datetime.fromtimestamp(microseconds / 1e6, UTC),
            self.labels[row],
            float(self.confidence[row]),
            float(self.margins[row]),
            None if np.isnan(self.distances[row]) else float(self.distances[row]),
            tuple(self.true_labels[row] or ()),
            self.images[row],
            np.array(self.embeddings[row], np.float32),
            float(self.lots[row]),
        )


class CandidatePicker:
    """Keeps at most ``n_each`` predictions for each of :data:`REASONS`, those with images first.

    Those that have one true label come last among the *drifted* and the *unsure* ones.

    *drifted*: the furthest of those beyond a distance of 1. *unsure*: the smallest margins, below
    0.5. *disagrees*: labelled otherwise than predicted, the most confident first. *random*:
    whatever the lot fell on, which is what an accuracy can be measured with.
    """

    def __init__(self, n_each: int) -> None:
        self._n_each = n_each
        self._heaps: dict[str, list[tuple[float, int, Candidate]]] = {name: [] for name in REASONS}
        self._n_pushed = 0

    def add(self, considered: Considered, is_wrong: npt.NDArray[np.bool_]) -> None:
        """Looks through ``n`` predictions.

        Args:
          considered: the predictions.
          is_wrong: ``(n,)`` whether people say otherwise.
        """
        has_image = np.fromiter((image is not None for image in considered.images), np.bool_)
        bonus = np.where(has_image, _IMAGE_BONUS, 0.0)
        told = np.fromiter((_is_told(labels) for labels in considered.true_labels), np.bool_)
        malus = np.where(told, _TOLD_MALUS, 0.0)
        far = considered.distances
        margins = considered.margins
        scores = {
            "drifted": np.where(np.nan_to_num(far, nan=0.0) > 1.0, far - malus, -np.inf),
            "unsure": np.where(margins < _UNSURE, -margins - malus, -np.inf),
            "disagrees": np.where(is_wrong, considered.confidence, -np.inf),
            "random": considered.lots,
        }
        made: dict[int, Candidate] = {}
        for reason, score in scores.items():
            self._keep(reason, considered, np.where(np.isfinite(score), score + bonus, score), made)

    def _keep(
        self,
        reason: str,
        considered: Considered,
        scores: npt.NDArray[np.float64],
        made: dict[int, Candidate],
    ) -> None:
        heap = self._heaps[reason]
        least = heap[0][0] if len(heap) == self._n_each else -np.inf
        rows = np.flatnonzero(scores > least)
        if len(rows) > self._n_each:
            best = np.argpartition(-scores[rows], self._n_each - 1)[: self._n_each]
            rows = np.sort(rows[best])
        for row in rows.tolist():
            candidate = made.get(row) or made.setdefault(row, considered.candidate(row))
            self._push(reason, float(scores[row]), candidate)

    def _push(self, reason: str, score: float, candidate: Candidate) -> None:
        heap = self._heaps[reason]
        # The number breaks ties: of two equal ones the earlier, that is the newer, stays.
        self._n_pushed += 1
        entry = (score, -self._n_pushed, candidate)
        if len(heap) < self._n_each:
            heapq.heappush(heap, entry)
        else:
            heapq.heappushpop(heap, entry)

    def add_drifted(self, candidates: Sequence[Candidate]) -> None:
        """Takes further candidates for *drifted*, with distances of their own."""
        for each in candidates:
            if each.distance is not None and each.distance > 1.0:
                bonus = 0.0 if each.image is None else _IMAGE_BONUS
                malus = _TOLD_MALUS if _is_told(each.true_labels) else 0.0
                self._push("drifted", each.distance + bonus - malus, each)

    def finish(self) -> tuple[Candidate, ...]:
        """Returns what was kept, each prediction once with all its reasons, newest first."""
        kept: dict[str, Candidate] = {}
        for reason, heap in self._heaps.items():
            for _, _, each in heap:
                before = kept.get(each.request_id, each)
                reasons = tuple(dict.fromkeys((*before.reasons, reason)))
                further = max((before, each), key=lambda one: one.distance or 0.0)
                kept[each.request_id] = replace(further, reasons=reasons)
        return tuple(
            sorted(kept.values(), key=lambda one: (one.time, one.request_id), reverse=True)
        )


def _is_told(true_labels: Sequence[str] | None) -> bool:
    """Returns whether people have said what it was; several labels may contradict each other."""
    return true_labels is not None and len(true_labels) == 1
