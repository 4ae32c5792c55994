"""Which versions count in a period: those that answer users, and not those that were replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from serving.log import served as log_served
from serving.log.database import Database
from serving.log.entry import describe
from serving.log.offline import open_log
from serving.log.reading import list_models
from serving.log.served import N_REPLACED, find_served
from serving.record import SHADOW, PredictionRecord

pytestmark = pytest.mark.integration

UNTIL = datetime(2026, 1, 31, 12, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=7)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.sqlite'}"


def log(address: str, version: str, *hours: float, suffix: str = "") -> None:
    """Stores an answer of a version so many hours before the end of the period, each."""
    vector = np.ones(2, np.float32) / 2
    records = [
        PredictionRecord(
            request_id=f"{version}-{hour}{suffix}",
            model_name="digits",
            model_version=version,
            label="a",
            probability=0.5,
            is_abstained=False,
            classes=("a", "b"),
            probabilities=vector,
            embedding_uae=vector,
            embedding_bbsd=vector,
            embedding_penultimate=vector,
            pixels=np.zeros((2, 2, 3), np.uint8),
            data=b"",
            latency_s=0.01,
            time=UNTIL - timedelta(hours=hour),
        )
        for hour in hours
    ]
    assert Database(address).store(list(map(describe, records))) == ()


def served(address: str) -> list[tuple[str, float | None]]:
    """Returns the versions, and how many hours before the end those that are replaced ended."""
    with open_log(address) as engine, engine.connect() as connection:
        models = list_models(connection, "digits")
        found = tuple(find_served(connection, models, SINCE, UNTIL))
    return [
        (each.model.version, each.until and (UNTIL - each.until).total_seconds() / 3600)
        for each in found
    ]


def test_the_version_that_answered_last_comes_first(address: str) -> None:
    """v2 was tried and v1 went on: the order in which they came to the log says nothing."""
    log(address, "v1", 9, 7)
    log(address, "v2", 8, 6)
    log(address, "v1", 5)
    assert served(address) == [("v1", None), ("v2", None)]


def test_what_was_said_in_the_shadow_was_said_to_nobody(address: str) -> None:
    log(address, "v1", 9, 7)
    log(address, "v2", 8, 6, 1, suffix=SHADOW)
    assert served(address) == [("v1", None)]
    # Once it answers users, only that counts: v1 was replaced at 7, though the shadow began at 8.
    log(address, "v2", 5)
    assert served(address) == [("v2", None), ("v1", 7.0)]


def test_only_the_period_counts(address: str) -> None:
    log(address, "v0", 7 * 24 + 1)
    log(address, "v1", 7 * 24, 3)
    log(address, "v2", 0, -1)
    assert served(address) == [("v1", None)]


def test_a_canary_and_the_version_beside_it_are_both_served(address: str) -> None:
    log(address, "v1", *range(10, 90))
    log(address, "v2", 85.5, 60.5, 9.5)
    assert served(address) == [("v2", None), ("v1", None)]


def test_after_a_swap_the_version_before_is_replaced(address: str) -> None:
    log(address, "v1", 20, 15)
    log(address, "v2", 14, 10)
    log(address, "v3", 9, 1)
    assert served(address) == [("v3", None), ("v2", 10.0), ("v1", 15.0)]


@pytest.mark.parametrize(("n", "until"), [(49, None), (50, 60.0)])
def test_a_version_that_was_rolled_back_is_replaced_once_it_is_absent_long_enough(
    address: str, monkeypatch: pytest.MonkeyPatch, n: int, until: float | None
) -> None:
    monkeypatch.setattr(log_served, "N_REPLACED", 50)
    log(address, "v1", 90, 80)
    log(address, "v2", 70, 60)
    # Those in the shadow are no answers of v1.
    log(address, "v1", *range(1, n + 1))
    log(address, "v1", *range(1, n + 1), suffix=SHADOW)
    assert served(address) == [("v1", None), ("v2", until)]


def test_a_canary_of_one_in_a_hundred_is_hardly_ever_taken_for_replaced() -> None:
    odds = 1 / (1 - 0.01) ** N_REPLACED
    assert odds == pytest.approx(23_164, rel=0.01)
