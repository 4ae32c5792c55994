"""Pairs of close hashes: the blocks of products find what counting bits finds."""

from __future__ import annotations

import numpy as np
import pytest

from vision.validation.near_duplicates import hashes as module
from vision.validation.near_duplicates.hashes import as_signs, close_pairs


def random_hashes(n: int, seed: int = 0) -> list[str]:
    """Returns hashes in which a fifth is close to an earlier one."""
    rng = np.random.default_rng(seed)
    hashes = [int(each) for each in rng.integers(0, 2**63, n)]
    for number in range(1, n, 5):
        hashes[number] = hashes[number // 2]
        for bit in rng.integers(0, 63, rng.integers(0, 14)):
            hashes[number] ^= 1 << int(bit)
    return [f"{each:016x}" for each in hashes]


@pytest.mark.parametrize("earlier_only", [True, False])
def test_close_pairs_are_those_that_counting_bits_finds(
    monkeypatch: pytest.MonkeyPatch, earlier_only: bool
) -> None:
    monkeypatch.setattr(module, "_ROWS", 32)
    monkeypatch.setattr(module, "_COLUMNS", 50)
    hashes = random_hashes(333)
    signs = as_signs(hashes)
    expected = {
        (one, other)
        for one in range(333)
        for other in range(one if earlier_only else 333)
        if (int(hashes[one], 16) ^ int(hashes[other], 16)).bit_count() <= 10
    }
    assert len(expected) > 40
    found = close_pairs(signs, signs, 10, 333, earlier_only=earlier_only)
    assert set(zip(*(each.tolist() for each in found), strict=True)) == expected


def test_a_crowd_is_compared_with_its_first_and_its_closest() -> None:
    crowd = ["0" * 16] * 3000
    crowd[2000:2500] = ["00000000000000ff"] * 500
    signs = as_signs(crowd)
    rows, others = close_pairs(signs, signs, 10, 4, earlier_only=True)
    assert len(rows) <= 4 * 3000
    of = {row: others[rows == row].tolist() for row in (1, 1999, 2000, 2499, 2999)}
    assert of == {
        1: [0],
        1999: [0, 1, 2, 3],
        2000: [0, 1, 2, 3],
        2499: [2000, 2001, 2002, 2003],
        2999: [0, 1, 2, 3],
    }


def test_signs_are_the_bits_of_the_hash() -> None:
    signs = as_signs(["8000000000000001", "0" * 16])
    assert signs.shape == (2, 64)
    assert np.flatnonzero(signs[0] > 0).tolist() == [0, 63]
    assert (signs[1] == -1).all()
    assert as_signs([]).shape == (0, 64)


def test_no_hashes_have_no_pairs() -> None:
    none = as_signs([])
    assert [len(each) for each in close_pairs(none, none, 64, 5, earlier_only=True)] == [0, 0]
