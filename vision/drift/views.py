"""What drift detectors look at: five views of the same images, row by row.

===============  ==========================================  ======================================
view             one row                                     moves when
===============  ==========================================  ======================================
``uae``          ``(d,)``, untrained autoencoder's code      images look different
``bbsd``         ``(k,)``, softmax outputs (any layer)       the model answers differently
``penultimate``  ``(p,)``, what the logits are made of       the model sees different features
``properties``   ``(11,)``, :data:`PROPERTIES`               light, colour or sharpness changed
``classes``      a class index, the predicted one            classes occur more or less often
===============  ==========================================  ======================================

UAE and BBSD are those of "Failing Loudly" (Rabanser et al., NeurIPS 2019, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.names import PROPERTIES, VECTORS, VIEWS
from vision.errors import BundleError

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class DriftRows:
    """``n`` images as the detectors see them; row ``i`` of every view is the same image.

    Attributes:
      uae: ``(n, d)``.
      bbsd: ``(n, k)``.
      penultimate: ``(n, p)``.
      properties: ``(n, 11)`` in the order of :data:`PROPERTIES`; a row of NaN where an image was
        not measured.
      classes: ``(n,)`` class indices, the predicted ones.
    """

    uae: Floats
    bbsd: Floats
    penultimate: Floats
    properties: Floats
    classes: npt.NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        lengths = {part.name: len(getattr(self, part.name)) for part in fields(self)}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"the views have different numbers of rows: {lengths}")

    def __len__(self) -> int:
        return len(self.classes)

    def view(self, name: str) -> npt.NDArray[Any]:
        """Returns the rows of one of :data:`VIEWS`."""
        values: npt.NDArray[Any] = getattr(self, name)
        return values

    def take(self, positions: npt.NDArray[np.integer[Any]] | slice) -> DriftRows:
        """Returns the rows at some positions, of all views alike."""
        return DriftRows(*(self.view(name)[positions] for name in VIEWS))

    def newest(self, n: int) -> DriftRows:
        """Returns the last ``n`` rows."""
        return self.take(slice(max(0, len(self) - n), None))


def column_names(rows: DriftRows, view: str) -> tuple[str, ...]:
    """Returns what the columns of a view are called, for people."""
    if view == "properties":
        return PROPERTIES
    if view == "classes":
        return ("predicted class",)
    return tuple(f"{view} {index}" for index in range(rows.view(view).shape[1]))


def read_reference(path: Path) -> DriftRows:
    """Reads the reference set of a bundle; the predicted classes follow from its probabilities.

    Raises:
      BundleError: the file is missing or damaged, lacks a column, or has values that are not
        finite.
    """
    # Slow to import, and needed here alone.
    import pyarrow
    import pyarrow.parquet

    vectors = [*VECTORS.values(), "probabilities"]
    try:
        table = pyarrow.parquet.ParquetFile(path).read(columns=[*vectors, *PROPERTIES])
        missing = sorted({*vectors, *PROPERTIES} - set(table.column_names))
        if missing:
            raise ValueError(f"it has no column {missing[0]}")
        if not len(table):
            raise ValueError("it has no row")
        found = {name: _vectors(table[name]) for name in vectors}
        measured = np.stack([_numbers(table[name].combine_chunks()) for name in PROPERTIES], axis=1)
    except (OSError, pyarrow.ArrowException, KeyError, ValueError) as error:
        raise BundleError(
            f"{path} cannot be used as a reference set: {error}; make a new bundle"
        ) from error
    rows = DriftRows(
        **{view: found[name] for view, name in VECTORS.items()},
        properties=measured.astype(np.float64),
        classes=found["probabilities"].argmax(axis=1),
    )
    for view in VIEWS:
        if not np.isfinite(rows.view(view)).all():
            raise BundleError(f"{path}: {view} has values that are not finite; make a new bundle")
    return rows


def _vectors(column: Any) -> Floats:
    combined = column.combine_chunks()
    return _numbers(combined.flatten()).astype(np.float32).reshape(len(combined), -1)


def _numbers(column: Any) -> Floats:
    """Returns a column without a copy; ``to_numpy`` would import pandas wherever it is there."""
    return np.asarray(np.from_dlpack(column))
