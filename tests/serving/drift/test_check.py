"""The drift check beside the service: its verdicts, and that nothing a detector does is felt."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.drift import DriftCheck
from serving.drift.reference import Detectors
from serving.models.host import load_model
from serving.record import DriftRecord, PredictionRecord
from serving.settings import ServiceSettings
from tests.fake_bundle import CLASSES, NAME, VERSION
from tests.serving.drift.samples import rows, write_reference
from vision.bundles.load import ServingModel
from vision.drift.ks import DriftTest

pytestmark = pytest.mark.unit

SETTINGS = ServiceSettings(drift_every_n=60, drift_window=100, drift_timeout_s=5.0)


@pytest.fixture
def model(bundle: Path) -> ServingModel:
    return load_model(bundle)


def record(row: np.ndarray, version: str = VERSION) -> PredictionRecord:
    return PredictionRecord(
        request_id="r",
        model_name=NAME,
        model_version=version,
        label="red",
        probability=1.0,
        is_abstained=False,
        classes=CLASSES,
        probabilities=row[:3].astype(np.float32),
        embedding_uae=row.astype(np.float32),
        embedding_bbsd=row[:3].astype(np.float32),
        embedding_penultimate=row[:3].astype(np.float32),
        pixels=np.zeros((1, 1, 3), np.uint8),
        data=b"",
        latency_s=0.0,
    )


class Fails:
    """A detector that does what it is told."""

    def __init__(self, action: Callable[[], DriftTest]) -> None:
        self._action = action

    def check(self, window: np.ndarray) -> DriftTest:
        return self._action()


def failing(action: Callable[[], DriftTest]) -> Callable[[Path], Detectors]:
    return lambda folder: {view: Fails(action) for view in ("embedding_uae", "embedding_bbsd")}


MakeCheck = Callable[..., DriftCheck]


@pytest.fixture
def told() -> list[DriftRecord]:
    return []


@pytest.fixture
def make_check(model: ServingModel, told: list[DriftRecord]) -> Iterator[MakeCheck]:
    made: list[DriftCheck] = []

    def make(settings: ServiceSettings = SETTINGS, **load: Any) -> DriftCheck:
        check = DriftCheck(settings, told.append, **load)
        check.follow(model)
        made.append(check)
        return check

    yield make
    for check in made:
        check.stop()


def fill(check: DriftCheck, values: np.ndarray) -> None:
    for row in values:
        check.add(record(row))


def test_the_reference_set_against_itself_and_shifted(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    write_reference(model.folder)
    check = make_check()
    assert check.last.verdict.status == "unknown"
    fill(check, rows(80, seed=1))
    check.check_now()
    assert check.last.verdict.status == "ok"
    assert check.last.verdict.n_images == 80
    assert set(check.last.views) == {"embedding_uae", "embedding_bbsd"}
    assert [view["threshold"] for view in check.last.views.values()] == [0.025, 0.025]
    assert check.last.detail == "of the worker that answers; each worker checks its own predictions"
    fill(check, rows(100, shift=1.0, seed=2))
    check.check_now()
    assert check.last.verdict.status == "drift"
    assert check.last.views["embedding_uae"]["p_value"] < 1e-6
    assert [each.status for each in told] == ["ok", "drift"]
    assert [each.status for each in check.history] == ["ok", "drift"]
    assert (told[1].model_name, told[1].model_version, told[1].n_images) == (NAME, VERSION, 100)


def _raise() -> DriftTest:
    raise RuntimeError("no such luck")


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (_raise, "RuntimeError: no such luck"),
        (lambda: DriftTest(math.nan, 0.5, 0.05), "statistic nan"),
        (lambda: DriftTest(0.5, math.nan, 0.05), "p-value nan"),
    ],
)
def test_dr01_a_detector_that_fails_is_a_verdict(
    make_check: MakeCheck, told: list[DriftRecord], action: Callable[[], DriftTest], said: str
) -> None:
    check = make_check(load=failing(action))
    fill(check, rows(60))
    check.check_now()
    assert check.last.verdict.status == "error"
    assert said in check.last.detail
    assert told[0].status == "error"
    assert said in told[0].detail["error"]


def test_dr01_a_detector_that_hangs_is_waited_for_so_long_and_left_alone(
    make_check: MakeCheck,
) -> None:
    let_go = threading.Event()

    def hang() -> DriftTest:
        let_go.wait(30)
        return DriftTest(0.0, 1.0, 0.05)

    settings = SETTINGS.model_copy(update={"drift_timeout_s": 0.1})
    check = make_check(settings, load=failing(hang))
    fill(check, rows(60))
    check.check_now()
    assert check.last.detail == "TimeoutError: the detectors did not end within 0.1 s"
    check.check_now()
    assert "the check before this one still hangs" in check.last.detail
    assert sum(each.name == "drift-detectors" for each in threading.enumerate()) == 1
    let_go.set()


@pytest.mark.parametrize("damage", ["missing", "text", "columns", "dimensions"])
def test_dr01_a_reference_set_that_cannot_be_used_is_a_verdict(
    make_check: MakeCheck, model: ServingModel, damage: str
) -> None:
    path = write_reference(model.folder) / "reference.parquet"
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("no parquet")
    elif damage == "columns":
        pq.write_table(pa.table({"path": ["a"]}), path)
    check = make_check()
    width = 5 if damage == "dimensions" else 4
    fill(check, np.random.default_rng(0).normal(size=(60, width)))
    check.check_now()
    assert check.last.verdict.status == "error"
    said = "the window has 5 columns" if damage == "dimensions" else "cannot be used as a reference"
    assert said in check.last.detail


def test_another_model_starts_another_window(make_check: MakeCheck, model: ServingModel) -> None:
    write_reference(model.folder)
    check = make_check()
    fill(check, rows(60))
    check.check_now()
    other = replace(model, manifest=model.manifest.model_copy(update={"version": "v2"}))
    check.follow(other)
    assert check.last.verdict.status == "unknown"
    assert len(check.window) == 0
    fill(check, rows(5))  # of the version before
    assert len(check.window) == 0
    check.add(record(rows(1)[0], "v2"))
    assert len(check.window) == 1


def test_the_thread_checks_after_so_many_predictions(make_check: MakeCheck) -> None:
    done = threading.Event()

    def ok() -> DriftTest:
        done.set()
        return DriftTest(0.1, 0.9, 0.05)

    check = make_check(load=failing(ok))
    check.start()
    fill(check, rows(59))
    assert not done.wait(0.2)
    fill(check, rows(1))
    assert done.wait(10)
