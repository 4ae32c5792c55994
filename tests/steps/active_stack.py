"""An active stack without ZenML behind it, for tests of what steps ask of it."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest


def pretend_stack(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, **components: object
) -> SimpleNamespace:
    """Lets a module find a stack called ``mine`` as the active one; a test may change it."""
    active = SimpleNamespace(name="mine", **components)
    monkeypatch.setattr(module, "Client", lambda: SimpleNamespace(active_stack=active))
    return active
