"""Waits until a worker has come to the state that a test expects."""

from __future__ import annotations

import time
from collections.abc import Callable

from serving.models.active import read_active
from serving.models.host import ModelHost
from serving.models.state import State

WAIT_S = 20.0


def wait_for(host: ModelHost, is_reached: Callable[[State], bool]) -> State:
    """Waits until the state is as wanted."""
    deadline = time.monotonic() + WAIT_S
    while not is_reached(host.state):
        assert time.monotonic() < deadline, host.state
        time.sleep(0.005)
    return host.state


def wait_for_version(host: ModelHost, version: str) -> State:
    return wait_for(host, lambda state: version_of(state) == version)


def version_of(state: State) -> str:
    return state.model.manifest.version if state.model else ""


def looks(host: ModelHost, n_times: int = 5) -> None:
    """Waits while the host looks at the pointers a few times."""
    time.sleep(0.01 * n_times)


def served(host: ModelHost) -> tuple[str, int]:
    model = host.state.model
    return (model.manifest.version if model else "", host.state.generation)


def pointer() -> tuple[str, int, tuple[str, ...]]:
    active = read_active()
    assert active is not None
    return active.version, active.generation, tuple(each.version for each in active.previous)
