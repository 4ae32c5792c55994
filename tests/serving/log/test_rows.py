"""What is put is what the rows hold, whatever it is."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from serving.log.engine import make_engine, read_address
from serving.log.tables import deployments, drift_checks, feedback, predictions
from serving.record import CallRecord, DeploymentRecord, DriftRecord, FeedbackRecord
from tests.serving.log.conftest import (
    MOMENT,
    MakeLog,
    make_record,
    settle,
    stored,
    stored_ids,
    wait_until,
)
from vision.images.measure import measure_image

pytestmark = pytest.mark.integration

NASTY = (
    "'; DROP TABLE predictions; --",
    '" OR 1=1 --',
    "%s %(a)s :name ? {}",
    "\\'; \\",
    "NUL\0inside",
    "half a pair \ud83d",
    '\ufffe"text"',
    "日本語 🙂 e\u0301",
    "",
    " \t\r\n",
)


def test_the_rows_hold_what_the_tables_promise(address: str, make_log: MakeLog) -> None:
    log = make_log(address)
    own = np.array([9, 8, 7], np.float32)
    log.put(make_record("r0"))
    log.put(make_record("r1", embedding_bbsd=own, pixels=np.zeros((0, 0, 3), np.uint8)))
    settle(log)
    engine = make_engine(read_address(address))
    with engine.connect() as connection:
        query = sa.select(predictions).order_by(predictions.c.request_id)
        first, second = connection.execute(query).mappings().all()
    engine.dispose()
    assert first["time"] == MOMENT
    assert np.frombuffer(first["embedding_uae"], "<f4").tolist() == [162.0, 1.5]
    assert first["embedding_bbsd"] is None
    assert np.frombuffer(first["embedding_penultimate"], "<f4").tolist() == [162.0, 2.5, 0.5]
    assert len(first["perceptual_hash"]) == len(first["mirrored_hash"]) == 8
    assert (first["area_px"], first["n_bytes"], first["is_near_constant"]) == (24, 10, True)
    assert np.frombuffer(second["embedding_bbsd"], "<f4").tolist() == own.tolist()
    assert [second[name] for name in ("brightness", "is_near_constant", "mirrored_hash")] == [
        None
    ] * 3
    assert first["model_id"] == second["model_id"]


def test_db08_strings_are_stored_as_they_are(address: str, make_log: MakeLog) -> None:
    log = make_log(address)
    for index, text in enumerate(NASTY):
        log.put(make_record(f"r{index}{text}", label=text, classes=(text, *NASTY[:2])))
        log.put(FeedbackRecord(f"f{index}", f"r{index}{text}", (text, *NASTY), text))
    settle(log)
    for index, text in enumerate(NASTY):
        found = log.find(f"r{index}{text}")
        assert found is not None
        assert (found.request_id, found.prediction.label) == (f"r{index}{text}", text)
        [given] = found.feedback
        assert (given.labels, given.who) == ((text, *NASTY), text)
        assert next(iter(found.probabilities)) == text
    assert log.status.n_dropped == 0
    assert len(stored_ids(address)) == len(NASTY)


def test_every_kind_of_record_has_its_row(address: str, make_log: MakeLog) -> None:
    log = make_log(address)
    log.put(CallRecord("c0", "POST", "/predict", 422, 0.25, "0123abcd", "corrupt", MOMENT))
    log.put(DriftRecord("d0", "colours", "v1", "drift", 200, {"p": float("nan")}, MOMENT))
    log.put(DeploymentRecord("e0", 4, "activate", "colours", "v2", "refused", "why", MOMENT))
    log.put(FeedbackRecord("f0", "r9", ("a", "b"), "me", MOMENT))
    settle(log)
    engine = make_engine(read_address(address))
    with engine.connect() as connection:
        rows = {
            table.name: dict(connection.execute(sa.select(table)).mappings().one())
            for table in (drift_checks, deployments, feedback)
        }
    engine.dispose()
    assert stored_ids(address, "api_log") == ["c0"]
    assert rows["drift_checks"]["detail"] == {"p": None}
    assert rows["deployments"]["detail"] == "why"
    assert rows["feedback"]["labels"] == ["a", "b"]
    assert {row["time"] for row in rows.values()} == {MOMENT}


def test_a_record_that_the_database_refuses_does_not_hold_up_the_rest(
    address: str, make_log: MakeLog, folder: Path
) -> None:
    log = make_log(address)
    log.put(make_record("r0"))
    log.put(make_record("bad", probability=float("nan") if "sqlite" in address else 0.5, label="x"))
    log.put(CallRecord("big", "GET", "/", 2**40 if "sqlite" not in address else 2**70, 0.1))
    log.put(make_record("r1"))
    settle(log)
    bad = {"bad"} if "sqlite" in address else set()
    assert set(stored_ids(address)) == {"r0", "r1", "bad"} - bad
    assert stored_ids(address, "api_log") == []
    assert log.status.n_dropped == 1 + len(bad)
    assert log.status.state == "ok"
    aside = b"".join(path.read_bytes() for path in (folder / "quarantine").iterdir())
    assert b'"big"' in aside


def test_measures_that_come_late_complete_the_row(
    address: str, make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def slow(pixels: np.ndarray, n_bytes: int) -> dict[str, object]:
        goes_on.wait(20)
        return measure_image(pixels, n_bytes)

    monkeypatch.setattr("serving.log.measuring.measure_image", slow)
    log = make_log(address)
    log.put(make_record("r0"))
    stored(log)
    found = log.find("r0")
    assert found is not None
    assert found.properties is None
    goes_on.set()
    wait_until(lambda: getattr(log.find("r0"), "properties", None) is not None)
    settle(log)
    found = log.find("r0")
    assert found is not None
    assert found.properties is not None
    assert found.properties["area_px"] == 24
