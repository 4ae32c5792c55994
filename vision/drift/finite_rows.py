"""Which of the newest rows a check looks at: those whose values are all finite.

A row that is not finite can be compared with nothing. Few of them are passed over, and older rows
take their places; many are a fault of the model, and no check of the others would say so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vision.drift.names import VECTORS
from vision.drift.views import DriftRows
from vision.errors import ModelError

# One row in so many may be passed over.
ONE_IN = 10


def newest_finite(
    rows: DriftRows, views: Sequence[str], least: int, most: int
) -> npt.NDArray[np.intp]:
    """Returns the positions of the newest finite rows, oldest first.

    Properties do not count: what was not measured is left out of that view alone.

    Args:
      rows: oldest first; a class below 0 is one that nobody can tell.
      views: those that are watched; the others may hold anything.
      least: rows below which there is no check.
      most: how many at most.

    Raises:
      ModelError: of the rows from the oldest chosen one on, more than one in ten is not finite; or
        fewer than ``least`` are left.
    """
    is_finite = {view: _is_finite(rows, view) for view in views}
    is_whole = np.all([np.ones(len(rows), bool), *is_finite.values()], axis=0)
    chosen = np.flatnonzero(is_whole)[-most:]
    n_seen = len(rows) - int(chosen[0]) if len(chosen) == most else len(rows)
    n_spoilt = n_seen - len(chosen)
    if ONE_IN * n_spoilt > n_seen:
        spoilt = ", ".join(view for view, each in is_finite.items() if not each[-n_seen:].all())
        raise ModelError(
            f"{n_spoilt:,} of the newest {n_seen:,} predictions have values that are not finite "
            f"(in {spoilt}), and at most one in {ONE_IN} may; look at what the model answers, or "
            "go back to another version"
        )
    if n_spoilt and len(chosen) < least:
        raise ModelError(
            f"{len(chosen)} rows are too few: the smallest calibrated window has {least}, and "
            f"{n_spoilt} more have values that are not finite; wait for more predictions"
        )
    return chosen


def _is_finite(rows: DriftRows, view: str) -> npt.NDArray[np.bool_]:
    if view == "classes":
        return np.asarray(rows.classes >= 0)
    if view in VECTORS:
        return np.asarray(np.isfinite(rows.view(view)).all(axis=1))
    return np.ones(len(rows), bool)
