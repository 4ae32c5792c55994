"""One prediction as a row of fixed size: what the detectors compare, who asked, and a checksum.

=============  ==========  ==================================================================
field          type        what it is
=============  ==========  ==================================================================
``checksum``   uint32      CRC-32 of all bytes behind it
``klass``      int32       index of the predicted class; -1: the probabilities are not finite
``number``     uint64      the how manieth row of the window it is, from 1 on
``time``       float64     of the prediction, seconds since 1970
``request``    80 bytes    request id, UTF-8; a longer one is cut
``uae`` ...    float32     the vectors of :data:`vision.drift.names.VECTORS`
``properties`` float64     in the order of :data:`vision.drift.names.PROPERTIES`
=============  ==========  ==================================================================

Properties are float64 like those of the reference set: many images may share one value (blank
frames), and rounding it on one side alone would make a tie a difference.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.names import PROPERTIES, VECTORS
from vision.drift.views import DriftRows

REQUEST_BYTES = 80
_CHECKSUM_BYTES = 4

Rows = npt.NDArray[np.void]


@dataclass(frozen=True)
class Layout:
    """How long the vectors of a model version are.

    Attributes:
      uae: length of ``embedding_uae``; the others likewise.
    """

    uae: int
    bbsd: int
    penultimate: int

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A row as NumPy reads it; little-endian, without gaps."""
        vectors: list[tuple[Any, ...]] = [(view, "<f4", (getattr(self, view),)) for view in VECTORS]
        head: list[tuple[Any, ...]] = [
            ("checksum", "<u4"),
            ("klass", "<i4"),
            ("number", "<u8"),
            ("time", "<f8"),
            ("request", f"S{REQUEST_BYTES}"),
        ]
        return np.dtype([*head, *vectors, ("properties", "<f8", (len(PROPERTIES),))])


def seal(rows: Rows, first: int) -> None:
    """Numbers the rows from ``first`` on, and writes their checksums."""
    rows["number"] = np.arange(first, first + len(rows), dtype=np.uint64)
    for row in rows:
        row["checksum"] = _checksum(row)


def sound_rows(data: bytes, layout: Layout) -> Rows:
    """Returns the rows whose checksum is right, oldest first; a torn row is passed over."""
    size = layout.dtype.itemsize
    rows = np.frombuffer(data[: len(data) // size * size], layout.dtype)
    is_sound = [bool(row["number"]) and row["checksum"] == _checksum(row) for row in rows]
    sound = rows[np.array(is_sound, bool)]
    in_order: Rows = sound[np.argsort(sound["number"], kind="stable")]
    return in_order


def as_drift_rows(rows: Rows) -> DriftRows:
    """Returns the rows as the detectors take them."""
    vectors = {view: np.ascontiguousarray(rows[view]) for view in VECTORS}
    properties = np.ascontiguousarray(rows["properties"])
    return DriftRows(**vectors, properties=properties, classes=rows["klass"].astype(np.int64))


def _checksum(row: Any) -> int:
    return zlib.crc32(row.tobytes()[_CHECKSUM_BYTES:])
