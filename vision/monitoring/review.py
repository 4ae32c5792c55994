"""Which images people should look at and label after drift.

A quarter of a batch is drawn at random: labels of that part give the accuracy. Of identical images
one is drawn, so it is the accuracy of all different ones; copies would be labelled for nothing.
The rest has equal parts, as far as there are any, of what is *drifted*, *unsure* and *disagrees*
with feedback; these are spread over the model's features, and none is a copy of another. They teach
more than random ones, and say nothing about the accuracy.

What people have said already is not asked again: an image with one true label is chosen only for
the random part or because it *disagrees*, and none that an earlier batch had is chosen for being
hard. The random part leaves out those alone that an earlier one has drawn: without the hard ones as
well, it would be too easy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.monitoring.candidates import REASONS, Candidate
from vision.monitoring.earlier_batches import Reviewed
from vision.monitoring.k_centre import Spread, typical_distance
from vision.monitoring.review_files import write_review

__all__ = ["choose_review", "write_review"]

_RANDOM_SHARE = 0.25
# A part is picked from so many times as many, those with the highest scores.
_POOL = 5
# Of the typical distance from the mean; a JPEG saved again moves by less.
_SAME_SHARE = 0.05
# Of the same; a batch of another size gives the same image another last digit.
_IDENTICAL_SHARE = 1e-5
_NOTHING = Reviewed()
_SCORES: dict[str, Any] = {
    "drifted": lambda each: each.distance or 0.0,
    "unsure": lambda each: -each.margin,
    "disagrees": lambda each: each.probability,
    "random": lambda each: each.lot,
}


def choose_review(
    candidates: Sequence[Candidate], n: int, reviewed: Reviewed = _NOTHING
) -> tuple[Candidate, ...]:
    """Chooses at most ``n`` predictions for people to look at.

    The same candidates give the same choice. Where images of some were kept, the others are left
    out: nobody can label what nobody can see.

    Args:
      candidates: what may be looked at.
      n: how many at most.
      reviewed: what earlier batches had.

    Returns:
      the chosen ones, the random part first; no other has ``random`` among its reasons.
    """
    unasked = [each for one in candidates if (each := _unasked(one, reviewed)).reasons]
    pool = [each for each in unasked if each.image is not None] or unasked
    if not pool:
        return ()
    points = np.stack([each.embedding for each in pool])
    typical = typical_distance(points)
    drawn = _draw(pool, Spread(points, _IDENTICAL_SHARE * typical), math.ceil(_RANDOM_SHARE * n))
    spread = Spread(points, _SAME_SHARE * typical)
    for place in drawn:
        spread.pick(place)
    chosen = [*drawn, *_pick_hard(pool, spread, n - len(drawn))]
    return tuple(_explained(pool[place], is_drawn=place in drawn) for place in chosen)


def _unasked(candidate: Candidate, reviewed: Reviewed) -> Candidate:
    """Returns a candidate with the reasons for which people are to look at it now."""
    is_told = len(candidate.true_labels) == 1
    if candidate.request_id in reviewed.drawn:
        left: tuple[str, ...] = ()
    elif candidate.request_id in reviewed.picked:
        left = ("random",)
    else:
        left = ("disagrees", "random") if is_told else REASONS
    reasons = tuple(reason for reason in candidate.reasons if reason in left)
    return replace(candidate, reasons=reasons)


def _draw(pool: Sequence[Candidate], spread: Spread, n: int) -> list[int]:
    """Takes those with the highest lots, each image once."""
    drawn: list[int] = []
    for place in _best(pool, "random", len(pool)).tolist():
        if len(drawn) == n:
            break
        if spread.is_new(place):
            drawn.append(place)
            spread.pick(place)
    return drawn


def _explained(candidate: Candidate, *, is_drawn: bool) -> Candidate:
    """Returns a candidate that is called random only if it was drawn for that."""
    reasons = [reason for reason in candidate.reasons if reason != "random"]
    return replace(candidate, reasons=(*reasons, *(("random",) if is_drawn else ())))


def _pick_hard(pool: Sequence[Candidate], spread: Spread, n: int) -> list[int]:
    """Picks in turn of each reason but chance, always the furthest from what was picked."""
    reasons = [each for each in REASONS if each != "random" and len(_best(pool, each, 1))]
    most = math.ceil(n / max(1, len(reasons))) * _POOL
    parts = {reason: _best(pool, reason, most) for reason in reasons}
    picked: list[int] = []
    while len(picked) < n:
        before = len(picked)
        for places in parts.values():
            place = spread.furthest(places)
            if place is not None and len(picked) < n:
                picked.append(place)
                spread.pick(place)
        # What is left are copies, or lies beyond the best of each reason.
        if len(picked) == before and not _widen(parts, pool):
            break
    return picked


def _best(pool: Sequence[Candidate], reason: str, most: int) -> npt.NDArray[np.int64]:
    """Returns the places of the candidates with the highest scores for a reason, best first."""
    places = [place for place, each in enumerate(pool) if reason in each.reasons]
    places.sort(key=lambda place: (-_SCORES[reason](pool[place]), pool[place].request_id))
    return np.array(places[:most], np.int64)


def _widen(parts: dict[str, npt.NDArray[np.int64]], pool: Sequence[Candidate]) -> bool:
    """Lets every candidate count; returns whether any did not before."""
    n_before = sum(map(len, parts.values()))
    parts.update({reason: _best(pool, reason, len(pool)) for reason in parts})
    return sum(map(len, parts.values())) > n_before
