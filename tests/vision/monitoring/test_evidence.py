"""The tests of a period: which backend makes them, and what they find."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.vision.monitoring.traffic import Drawn, detectors_of, reference_set
from vision.drift import alibi_backend
from vision.drift.backend import open_backend
from vision.drift.detectors import DriftDetectors
from vision.monitoring import evidence
from vision.monitoring.evidence import compare_embeddings, load_detectors

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("backend", ["scipy", "alibi"])
def test_mmd_is_the_one_without_tensorflow_whatever_the_bundle_says(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def note(name: str) -> Any:
        opened.append(name)
        return open_backend(name)

    monkeypatch.setattr(evidence, "open_backend", note)
    detectors = detectors_of(reference_set(120))
    detectors.backend = backend

    tests = compare_embeddings(
        Drawn(120, shift=3.0).rows, detectors, n_most=100, n_permutations=200, seed=0
    )

    assert opened == ["scipy"]
    assert [test.detector for test in tests] == ["mmd"] * 3
    assert any(test.is_drift for test in tests)


@pytest.mark.parametrize(("backend", "n_calls"), [("scipy", 0), ("alibi", 1)])
def test_detectors_are_opened_without_tensorflow(
    backend: str, n_calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(evidence, "read_detectors", lambda path: SimpleNamespace(backend=backend))
    monkeypatch.setattr(alibi_backend, "without_tensorflow", lambda: calls.append("hidden"))
    monkeypatch.setattr(DriftDetectors, "load", lambda path: calls.append(str(path)))

    load_detectors(Path("bundle"))

    assert calls == ["hidden"] * n_calls + ["bundle"]
