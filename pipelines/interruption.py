"""Interrupts that stay interrupts, whatever they strike.

Ctrl-C and SIGTERM become a ``KeyboardInterrupt`` wherever the program happens to be. What is struck
may fail in words of its own, or swallow it: Python ignores what a finalizer raises, and during a
training many run. ZenML tries an interrupted step again where retries are set. So that there was an
interrupt is noted when it comes, and as long as the run goes on as if nothing had been, it is
raised again.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from zenml.exceptions import RunInterruptedException, RunStoppedException
from zenml.execution.step.utils import launch_step

from serving.log.interrupted import let_go_when_interrupted

# What an interrupt of a pipeline run is raised as.
INTERRUPTS = (KeyboardInterrupt, RunInterruptedException, RunStoppedException)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_AFTER_S, _AT_ONCE_S = 2.0, 0.001

_Handler = Callable[[int, FrameType | None], object]
_Hook = Callable[["sys.UnraisableHookArgs"], object]


@dataclass
class _Watch:
    """What is known of the block that runs.

    Attributes:
      is_asked: whether there was an interrupt.
      is_over: whether the block is being left; interrupts wait for a moment then.
      late: the last signal that came while it was being left.
    """

    is_asked: bool = False
    is_over: bool = False
    late: int | None = None


_watch = _Watch()


def is_interrupted() -> bool:
    """Says whether what runs inside :func:`interruptible` was interrupted."""
    return _watch.is_asked


def stop_if_interrupted() -> None:
    """Ends a step that is tried again after an interrupt; ZenML calls it before each try.

    Raises:
      KeyboardInterrupt: there was an interrupt.
    """
    if is_interrupted():
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Notes interrupts inside the block, and hands them on to who took them before.

    A signal that nobody takes, as SIGTERM outside of ``run.py``, does what it does by default. Only
    the main thread hears of signals; elsewhere nothing is ever noted. Takes SIGALRM; not to be
    nested.
    """
    global _watch
    let_go_when_interrupted()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _watch = _Watch()
    found = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: _noting(handler) for number, handler in found.items() if callable(handler)}
    before = {
        number: signal.signal(number, handler)
        for number, handler in {**handlers, signal.SIGALRM: _raise_again}.items()
    }
    hook, sys.unraisablehook = sys.unraisablehook, _catching(sys.unraisablehook)
    try:
        yield
    finally:
        watch.is_over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        _watch = _Watch()
        if watch.late is not None:
            signal.raise_signal(watch.late)


def _noting(handler: _Handler) -> _Handler:
    def note(number: int, frame: FrameType | None) -> None:
        if _watch.is_over:
            _watch.late = number
            return
        _watch.is_asked = True
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S, _AGAIN_AFTER_S)
        handler(number, frame)

    return note


def _catching(hook: _Hook) -> _Hook:
    """Returns a hook for what finalizers raise: an interrupt goes on where they were called."""

    def catch(ignored: sys.UnraisableHookArgs) -> None:
        if isinstance(ignored.exc_value, INTERRUPTS):
            signal.setitimer(signal.ITIMER_REAL, _AT_ONCE_S, _AGAIN_AFTER_S)
        else:
            hook(ignored)

    return catch


def _raise_again(number: int, frame: FrameType | None) -> None:
    """Raises an interrupt that was lost; one that is being handled has its time to clean up.

    ZenML waits for the next try of a step while it handles what ended the last one.
    """
    is_waiting = frame is not None and frame.f_code is launch_step.__code__
    if not _watch.is_over and (is_waiting or not _is_handled(sys.exc_info()[1])):
        raise KeyboardInterrupt


def _is_handled(error: BaseException | None) -> bool:
    """Whether an interrupt is among what led to an exception."""
    causes, seen = [error], set[int]()
    while causes:
        cause = causes.pop()
        if isinstance(cause, INTERRUPTS):
            return True
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            causes += [cause.__cause__, cause.__context__]
    return False
