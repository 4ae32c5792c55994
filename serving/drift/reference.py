"""Makes the detectors of a bundle from its reference set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from serving.record import Floats
from vision.drift.ks import DriftTest, KolmogorovSmirnov
from vision.errors import BundleError, ModelError

VIEWS = ("embedding_uae", "embedding_bbsd")
_FILE = "reference.parquet"
# Wanted share of checks that find drift where there is none. Any view alone is enough to be drift,
# so each gets its part of it (Bonferroni); with all of it for each, 7.5 % were found.
FALSE_ALARMS = 0.05


class Detector(Protocol):
    """Tests one view of a window."""

    def check(self, window: npt.NDArray[np.floating[Any]]) -> DriftTest:
        """Tests ``(m, d)`` embeddings."""
        ...


Detectors = Mapping[str, Detector]


def load_detectors(bundle: Path) -> Detectors:
    """Returns a detector for each view of the reference set; together they keep `FALSE_ALARMS`.

    Raises:
      BundleError: the reference set is missing, damaged, or cannot be tested against.
    """
    # Slow to import, and needed by this alone.
    import pyarrow
    import pyarrow.parquet

    path = bundle / _FILE
    try:
        table = pyarrow.parquet.ParquetFile(path).read(columns=list(VIEWS))
        threshold = FALSE_ALARMS / len(VIEWS)
        return {view: KolmogorovSmirnov(_rows(table, view), threshold) for view in VIEWS}
    except (OSError, pyarrow.ArrowException, KeyError, ValueError, ModelError) as error:
        raise BundleError(
            f"{path} cannot be used as a reference set: {error}; make a new bundle"
        ) from error


def _rows(table: Any, view: str) -> Floats:
    column = table[view].combine_chunks()
    return np.asarray(column.flatten().to_numpy(), np.float32).reshape(len(column), -1)
