"""Makes rows of predictions, and takes them to the window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from serving.drift.rows import REQUEST_BYTES, Layout, Rows
from serving.drift.window import Window, WindowBusyError
from serving.log.measuring import measures_of
from serving.record import PredictionRecord
from vision.drift.names import PROPERTIES, VECTORS


def layout_of(record: PredictionRecord) -> Layout:
    """Returns how long the vectors of a prediction are."""
    return Layout(**{view: len(getattr(record, name)) for view, name in VECTORS.items()})


def make_rows(records: Sequence[PredictionRecord], layout: Layout) -> Rows:
    """Returns the rows of predictions, measuring their images where nobody has yet.

    What cannot be measured has no row; neither have vectors of other lengths. Vectors that are not
    finite have one, so that they are counted: the check passes them over, or says that they are
    many. Numbers and checksums are for :func:`serving.drift.rows.seal`.
    """
    usable = [each for each in records if layout_of(each) == layout]
    found = [(each, measures) for each in usable if (measures := measures_of(each))]
    rows: Rows = np.zeros(len(found), layout.dtype)
    for row, (record, measures) in zip(rows, found, strict=True):
        row["klass"] = _class_of(record)
        row["time"] = record.time.timestamp()
        row["request"] = record.request_id.encode("utf-8", "replace")[:REQUEST_BYTES]
        for view, name in VECTORS.items():
            row[view] = getattr(record, name)
        row["properties"] = [measures[name] for name in PROPERTIES]
    return rows


def _class_of(record: PredictionRecord) -> int:
    """Returns the index of the predicted class; -1 where nobody can say which is most probable."""
    is_known = bool(np.isfinite(record.probabilities).all())
    return int(record.probabilities.argmax()) if is_known else -1


class Mover:
    """Takes predictions of one model version to its window; what finds it busy waits here.

    Args:
      window: where they go.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._layout: Layout | None = None
        self._waiting: Rows | None = None

    def move(self, records: Sequence[PredictionRecord]) -> bool:
        """Returns whether something was written.

        Raises:
          OSError: the window cannot be written; the predictions are lost to it.
        """
        if records and self._layout is None:
            self._layout = layout_of(records[0])
        if self._layout is None:
            return False
        rows = make_rows(records, self._layout)
        if self._waiting is not None:
            rows = np.concatenate([self._waiting, rows])[-self._window.capacity :]
        self._waiting = None
        if not len(rows):
            return False
        try:
            self._window.append(rows, self._layout)
        except WindowBusyError:
            self._waiting = rows
            return False
        return True
