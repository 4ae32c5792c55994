"""Reads and decodes every file of a dataset once, on every core."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vision.datasets.bounds import Bounds, bounds_of
from vision.datasets.fact_cache import FactCache, FileFacts
from vision.datasets.open_inside import open_inside
from vision.datasets.passes import map_images
from vision.errors import ImageError
from vision.images import DEFAULT_LIMITS, decode_image, read_header


def read_facts(root: Path, paths: Sequence[str], doing: str) -> Iterator[tuple[str, FileFacts]]:
    """Yields (path, facts) of each file in order; unchanged files come from the cache.

    Args:
      root: the folder that ``paths`` are relative to.
      paths: regular files.
      doing: what to call the pass over the files that are not in the cache.
    """
    cache = FactCache(root)
    known = cache.recall(paths)
    unknown = [path for path in paths if path not in known]
    if unknown:
        bounds = bounds_of(root)
        fresh = map_images(lambda path: (path, _read(root / path, bounds)), unknown, doing)
        known.update(cache.remember(fresh))
    for path in paths:
        yield path, known[path]


def _read(path: Path, bounds: Bounds) -> FileFacts:
    try:
        with os.fdopen(open_inside(path, bounds), "rb") as file:
            n_bytes = os.fstat(file.fileno()).st_size
            if n_bytes > DEFAULT_LIMITS.max_bytes:
                message = f"{n_bytes:,} bytes; at most {DEFAULT_LIMITS.max_bytes:,} are read."
                return FileFacts("", n_bytes, reason="too_large", message=message)
            data = file.read()
    except OSError as error:
        return FileFacts("", 0, reason="unreadable", message=error.strerror or str(error))
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        height, width, _ = decode_image(data).shape
        return FileFacts(sha256, len(data), width, height, read_header(data).mode)
    except ImageError as error:
        return FileFacts(sha256, len(data), reason=error.reason, message=str(error))
