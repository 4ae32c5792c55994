"""Interrupts end a block, also those that finalizers and handlers swallow."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType, SimpleNamespace

import pytest
from zenml.config.retry_config import StepRetryConfig
from zenml.execution.step.utils import launch_step

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
    monkeypatch.setattr(interruption, "_AGAIN_AFTER_S", 0.02)
    # All in one: it may be raised anywhere in there.
    with pytest.raises(KeyboardInterrupt):
        _swallow_two()


def _swallow_two() -> None:
    with interruptible():
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with suppress(KeyboardInterrupt):
            _wait()
        _wait()


def _look(frame: FrameType | None = None) -> None:
    """What the alarm does."""
    interruption._raise_again(signal.SIGALRM, frame)


def test_one_that_is_handled_has_its_time() -> None:
    with interruptible():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            _look()
            _fail_while_cleaning_up()
        with pytest.raises(KeyboardInterrupt):
            _look()


def _fail_while_cleaning_up() -> None:
    """The interrupt is in the context of an exception that has a cause of its own."""
    try:
        raise ValueError("of the cleaning up") from OSError("an older one")
    except ValueError as error:
        _look()
        error.__cause__ = error  # a circle
        _look()


def test_the_wait_for_the_next_try_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    config = StepRetryConfig(max_retries=5, delay=int(_HOUR_S))
    step = SimpleNamespace(config=SimpleNamespace(name="train_model", retry=config))

    class Launcher:
        def __init__(self, **options: object) -> None: ...

        def launch(self) -> None:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(interruption, "_AGAIN_AFTER_S", 0.02)
    monkeypatch.setattr("zenml.execution.step.utils.StepLauncher", Launcher)
    with pytest.raises(KeyboardInterrupt):
        _launch_interruptible(step)


def _launch_interruptible(step: object) -> None:
    with interruptible():
        launch_step(None, step, "run", retry=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_that_comes_while_the_block_is_left_comes_afterwards(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    stop = signal.setitimer

    def interrupted(which: int, seconds: float, interval: float = 0.0) -> None:
        stop(which, seconds, interval)
        if seconds == 0:
            signal.raise_signal(number)
            _look()
            left.append("with everything")

    left: list[str] = []
    monkeypatch.setattr(signal, "setitimer", interrupted)
    with pytest.raises(KeyboardInterrupt), interruptible():
        left.append("the block")
    assert left == ["the block", "with everything"]


def test_a_second_one_while_the_first_is_noted_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, n_started = signal.setitimer, 0

    def interrupted(which: int, seconds: float, interval: float = 0.0) -> None:
        nonlocal n_started
        n_started += 1
        if n_started == 1:
            signal.raise_signal(signal.SIGTERM)
        start(which, seconds, interval)

    monkeypatch.setattr(signal, "setitimer", interrupted)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


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
