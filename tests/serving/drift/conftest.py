"""A bundle with detectors, made once, and checks that are stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving.drift.check import DriftCheck
from serving.record import DriftRecord
from serving.settings import ServiceSettings
from tests.drift_bundle import write_drift_bundle
from vision.bundles.load import ServingModel

MakeCheck = Callable[..., DriftCheck]


@pytest.fixture(scope="session")
def drift_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with drift detectors; whoever changes it takes a copy."""
    folder = tmp_path_factory.mktemp("drift") / "bundle"
    write_drift_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def model(drift_bundle: Path) -> ServingModel:
    """The model of that bundle."""
    return ServingModel.load(drift_bundle)


@pytest.fixture
def told() -> list[DriftRecord]:
    """The records of the checks."""
    return []


@pytest.fixture
def make_check(model: ServingModel, told: list[DriftRecord]) -> Iterator[MakeCheck]:
    """Makes checks that run and follow the model; other keywords are settings."""
    made: list[DriftCheck] = []

    def make(followed: ServingModel = model, generation: int = 0, **settings: Any) -> DriftCheck:
        check = DriftCheck(ServiceSettings(**settings), told.append, turn_s=0.02)
        made.append(check)
        check.follow(followed, generation)
        check.start()
        return check

    yield make
    for check in made:
        check.stop()


@pytest.fixture
def no_child_is_left() -> Iterator[None]:
    """Checks that every process that a test has started is gone."""
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    yield
    after = psutil.Process().children(recursive=True)
    assert [each for each in after if each.pid not in before] == []
