"""Embeddings with a known distribution, and reference sets of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def rows(n: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (n, 4))


def write_reference(folder: Path, n: int = 400) -> Path:
    values = rows(n, seed=9)
    return write_views(folder, values, values[:, :3])


def write_views(folder: Path, uae: np.ndarray, bbsd: np.ndarray) -> Path:
    columns = {
        name: np.ascontiguousarray(each, np.float32)
        for name, each in (("embedding_uae", uae), ("embedding_bbsd", bbsd))
    }
    arrays = {
        name: pa.FixedSizeListArray.from_arrays(pa.array(each.reshape(-1)), each.shape[1])
        for name, each in columns.items()
    }
    pq.write_table(pa.table(arrays), folder / "reference.parquet")
    return folder
