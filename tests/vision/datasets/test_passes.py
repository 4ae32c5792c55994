"""Passes over images: in order, on the cores of this process, with bounded memory."""

from __future__ import annotations

import os
import threading
import time

import pytest

from vision.datasets.passes import map_images, map_in_order, n_cores, open_pool


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})


@pytest.mark.parametrize("n_items", [0, 1, 7, 1000])
def test_results_come_in_order(n_items: int) -> None:
    assert list(map_images(lambda item: 2 * item, range(n_items), "doubling")) == [
        2 * item for item in range(n_items)
    ]


@pytest.mark.usefixtures("four_cores")
def test_cores_are_those_of_this_process() -> None:
    assert n_cores() == 4


@pytest.mark.usefixtures("four_cores")
def test_few_items_reach_every_core() -> None:
    all_at_once = threading.Barrier(4)
    with open_pool() as pool:
        # Each call waits for three others: less than four threads would break the barrier.
        results = map_in_order(pool, lambda _: all_at_once.wait(timeout=10), range(4))
        assert sorted(results) == [0, 1, 2, 3]


@pytest.mark.usefixtures("four_cores")
def test_a_slow_consumer_is_not_overrun() -> None:
    begun: list[int] = []
    with open_pool() as pool:
        results = map_in_order(pool, begun.append, range(100_000))
        next(results)
        time.sleep(0.2)
        # 16 chunks of 32 under way, and the one that took the place of the first.
        assert len(begun) <= 17 * 32
        results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 17 * 32


def test_an_error_is_raised_where_the_item_is() -> None:
    def work(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    results = map_images(work, range(10), "counting")
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)
