"""Interrupts end a block, also those that finalizers and handlers swallow."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from pipelines import interruption
from pipelines.interruption import interruptible, is_interrupted, stop_if_interrupted

pytestmark = pytest.mark.unit

_HOUR_S = 3600.0


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """SIGTERM counts as in run.py, and nothing of the block is left when it ends."""
    default = signal.signal(signal.SIGTERM, signal.default_int_handler)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [signal.getsignal(number) for number in numbers]
    hook = sys.unraisablehook
    yield
    assert [signal.getsignal(number) for number in numbers] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert sys.unraisablehook is hook
    assert not is_interrupted()
    signal.signal(signal.SIGTERM, default)


def _wait() -> None:
    threading.Event().wait(_HOUR_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_is_noted_and_raised(number: signal.Signals) -> None:
    with interruptible():
        assert not is_interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert is_interrupted()


def test_what_is_tried_again_stops_at_once() -> None:
    with interruptible():
        stop_if_interrupted()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            stop_if_interrupted()


class _Interrupting:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_one_that_a_finalizer_swallows_goes_on_outside(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruption, "_AGAIN_AFTER_S", _HOUR_S)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        _finalize_and_wait(_Interrupting)
    assert "ignored" not in capsys.readouterr().err


def _finalize_and_wait(kind: type) -> None:
    kind()
    _wait()


class _Failing:
    def __del__(self) -> None:
        raise ValueError("of a finalizer")


def test_other_failures_of_finalizers_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: told.append(str(ignored.exc_value)))
    with interruptible():
        _Failing()
    assert told == ["of a finalizer"]


def test_one_that_was_swallowed_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "_AGAIN_AFTER_S", 0.01)
    with interruptible():
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                _swallow_and_wait()


def _swallow_and_wait() -> None:
    if not is_interrupted():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    _wait()


@pytest.mark.parametrize("follows", [False, True])
def test_one_that_is_handled_has_its_time(monkeypatch: pytest.MonkeyPatch, follows: bool) -> None:
    looks = []
    look = interruption._raise_again
    seen = threading.Event()

    def counted(number: int, frame: object) -> None:
        looks.append(1)
        if len(looks) == 3:
            seen.set()
        look(number, None)

    monkeypatch.setattr(interruption, "_AGAIN_AFTER_S", 0.01)
    monkeypatch.setattr(interruption, "_raise_again", counted)
    with interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            try:
                if follows:
                    raise ValueError("of the cleaning up")
                assert seen.wait(_HOUR_S)
            except ValueError:
                assert seen.wait(_HOUR_S)
    assert len(looks) >= 3


def test_a_signal_that_nobody_takes_is_left_alone() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def test_other_threads_hear_of_no_signal() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def look() -> None:
        with interruptible():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before]
