"""Tests of serving/access/rates.py and room.py."""

import pytest

from serving.access import RateLimit, WaitingRoom
from serving.problems import ProblemError


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills_evenly() -> None:
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    assert [limit.take("a") for _ in range(60)] == [0.0] * 60
    assert limit.take("a") == pytest.approx(1.0)
    clock.now += 0.5
    assert limit.take("a") == pytest.approx(0.5)
    clock.now += 0.5
    assert limit.take("a") == 0.0
    assert limit.take("a") == pytest.approx(1.0)
    clock.now += 3600
    assert sum(limit.take("a") == 0.0 for _ in range(100)) == 60


def test_over_an_hour_no_more_than_the_rate_passes() -> None:
    clock = Clock()
    limit = RateLimit(30, clock=clock)
    passed = 0
    for _ in range(36_000):
        clock.now += 0.1
        passed += limit.take("a") == 0.0
    assert 30 * 60 <= passed <= 30 * 60 + 30


def test_callers_do_not_share() -> None:
    limit = RateLimit(1, clock=Clock())
    assert limit.take("a") == 0.0
    assert limit.take("a") > 0
    assert limit.take("b") == 0.0


def test_ls02_memory_is_bounded_and_the_quietest_is_forgotten() -> None:
    limit = RateLimit(1, max_callers=100, clock=Clock())
    limit.take("busy")
    for number in range(10_000):
        limit.take(f"caller {number}")
        assert limit.take("busy") > 0
        assert len(limit) <= 100


def test_the_room_counts_and_refuses() -> None:
    room = WaitingRoom(max_waiting=2, max_bytes=100)
    room.enter()
    room.enter()
    for refused in (room.enter, room.check):
        with pytest.raises(ProblemError) as caught:
            refused()
        assert caught.value.kind.status == 429
        assert caught.value.headers == {"Retry-After": "1"}
        assert caught.value.detail.startswith("2 requests are waiting, as many as may")
    room.leave()
    room.check()
    assert room.n_waiting == 1


def test_large_bodies_leave_room_for_small_ones() -> None:
    room = WaitingRoom(max_waiting=2, max_bytes=100, small_bytes=20, max_small_bytes=40)
    for _ in range(2):
        room.hold(20)
        room.hold(30, 20)
    assert (room.n_large_bytes, room.n_small_bytes, room.n_bytes) == (100, 0, 100)
    with pytest.raises(ProblemError, match="Too many uploads") as caught:
        room.hold(21)
    assert caught.value.kind.status == 429
    room.hold(20)
    room.hold(15)
    with pytest.raises(ProblemError):
        room.hold(6)
    with pytest.raises(ProblemError):
        room.hold(6, 15)
    assert (room.n_large_bytes, room.n_small_bytes) == (100, 35)
    room.release(50)
    room.hold(6, 15)
    assert (room.n_large_bytes, room.n_small_bytes) == (71, 20)
    for held in (50, 21, 20):
        room.release(held)
    assert (room.n_large_bytes, room.n_small_bytes) == (0, 0)


def test_the_room_holds_only_so_many_bytes() -> None:
    room = WaitingRoom(max_waiting=2, max_bytes=100)
    room.hold(60)
    room.hold(40)
    with pytest.raises(ProblemError):
        room.hold(1)
    assert room.n_bytes == 100
    room.release(60)
    room.hold(1)
    assert room.n_bytes == 41
