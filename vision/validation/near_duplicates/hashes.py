"""Pairs of images whose perceptual hashes differ in few bits.

Hashes are 64 bits as 16 hex digits, see :mod:`vision.properties`. Every pair is compared: the
product of two hashes written as +1 and -1 is 64 minus twice the bits they differ in, so a block of
pairs is one matrix product. Time grows with the square of the number of images (60,000: 1.8
billion pairs), memory with the number of images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

Signs = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

N_BITS = 64
_ROWS = 1024
_COLUMNS = 4096
# The most hits of a block that are kept as they are: four per row and block.
_CROWDED = 4 * _ROWS
_CLOSE_BITS = 2


def as_signs(hashes: Iterable[str]) -> Signs:
    """Returns (n, 64) float32: +1 for each set bit of a hash, -1 for the others."""
    raw = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, N_BITS // 8)
    return np.unpackbits(raw, axis=1).astype(np.float32) * 2 - 1


def close_pairs(
    signs: Signs, of: Signs, largest_bits: int, most: int, *, earlier_only: bool
) -> tuple[Numbers, Numbers]:
    """Returns which images are close to which, ``(numbers in signs, numbers in of)``.

    Args:
      signs: (m, 64), the hashes that are looked for.
      of: (n, 64), the hashes that are looked through.
      largest_bits: the most bits that a pair may differ in.
      most: the most pairs of one image; the closest are kept, then the first. So a picture that
        is there a thousand times is compared with the first of them, not with each other.
      earlier_only: whether only lower numbers are looked through, where both are the same images.
    """
    found = [
        _close_to_rows(signs, of, start, largest_bits, most, earlier_only)
        for start in range(0, len(signs), _ROWS)
    ]
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate([rows for rows, _ in found]), np.concatenate([one for _, one in found])


def _close_to_rows(
    signs: Signs, of: Signs, start: int, largest_bits: int, most: int, earlier_only: bool
) -> tuple[Numbers, Numbers]:
    blocks = list(_blocks(signs, of, start, largest_bits, most, earlier_only))
    rows, columns, bits = (np.concatenate([block[part] for block in blocks]) for part in range(3))
    order = np.lexsort((columns, bits, rows))
    rows, columns = rows[order], columns[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = rank < most
    return rows[kept] + start, columns[kept]


def _blocks(
    signs: Signs, of: Signs, start: int, largest_bits: int, most: int, earlier_only: bool
) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Yields rows (from 0), columns and bits of the close pairs of ``signs[start:][:1024]``."""
    rows = signs[start : start + _ROWS]
    end = start + len(rows) if earlier_only else len(of)
    for left in range(0, end, _COLUMNS):
        products = rows @ of[left : min(left + _COLUMNS, end)].T
        is_close = products >= N_BITS - 2 * largest_bits
        if earlier_only and left + _COLUMNS > start:
            is_close &= np.tri(len(rows), is_close.shape[1], start - left - 1, bool)
        if np.count_nonzero(is_close) > _CROWDED:
            is_closer = is_close & (products >= N_BITS - 2 * _CLOSE_BITS)
            is_close = _first(is_closer, most) | _first(is_close & ~is_closer, most)
        row, column = np.nonzero(is_close)
        yield row, column + left, (N_BITS - products[row, column]).astype(np.int64) // 2


def _first(is_close: npt.NDArray[np.bool_], most: int) -> npt.NDArray[np.bool_]:
    """Keeps the first hits of each row: a crowd is not sorted pair by pair."""
    kept: npt.NDArray[np.bool_] = is_close & (np.cumsum(is_close, axis=1, dtype=np.int16) <= most)
    return kept
