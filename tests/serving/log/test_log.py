"""The log as the service uses it: put, find, status, stop."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from serving.log import LogError, PredictionLog
from serving.log.entry import Entry, measures_of
from serving.log.frames import encode
from serving.log.spools import open_spool
from serving.record import FeedbackRecord
from serving.schema import StoredFeedback
from serving.settings import ServiceSettings
from tests.fake_bundle import encode_image
from tests.serving.log.conftest import (
    CLASSES,
    MOMENT,
    MakeLog,
    make_record,
    settle,
    stored,
    stored_ids,
    wait_until,
    written,
)
from vision.images.measure import NUMERIC, measure_image

pytestmark = pytest.mark.integration


def test_nothing_is_opened_before_the_start(folder: Path) -> None:
    before = threading.active_count()
    log = PredictionLog(ServiceSettings())
    assert log.status.state == "ok"
    assert threading.active_count() == before
    assert not folder.parent.exists()
    log.stop()


def test_a_prediction_is_found_with_everything(address: str, make_log: MakeLog) -> None:
    log = make_log(address)
    record = make_record("r0")
    assert log.put(record)
    settle(log)
    found = log.find("r0")
    assert found is not None
    assert (found.request_id, found.time, found.abstained) == ("r0", MOMENT, False)
    assert (found.model.name, found.model.version) == ("colours", "v1")
    assert (found.prediction.label, found.prediction.probability) == ("red", 0.5)
    assert found.probabilities == {"red": 0.5, "green": 0.25, "blue": 0.25}
    measured = measure_image(record.pixels, len(record.data))
    assert found.properties == {name: pytest.approx(measured[name]) for name in NUMERIC}
    assert (found.latency_s, found.image, found.feedback) == (0.0125, None, ())
    assert log.find("r1") is None


def test_a_prediction_is_found_at_once_and_while_the_database_is_down(make_log: MakeLog) -> None:
    log = make_log("postgresql://nobody@127.0.0.1:1/none")
    log.put(make_record("r0"))
    log.put(FeedbackRecord("f0", "r0", ("green",), "me", MOMENT))
    found = log.find("r0")
    assert found is not None
    assert found.probabilities == {"red": 0.5, "green": 0.25, "blue": 0.25}
    given = (StoredFeedback(time=MOMENT, labels=("green",), who="me"),)
    assert found.feedback == given
    wait_until(lambda: log.status.waiting_bytes > 0 and log._intake.n_waiting == 0)
    again = log.find("r0")
    assert again is not None
    assert again.feedback == given
    wait_until(lambda: log._drainer.failure is not None)
    with pytest.raises(LogError, match="does not answer; ask again later"):
        log.find("r1")


def test_a_worker_finds_what_waits_in_another(make_log: MakeLog) -> None:
    one, other = (make_log("postgresql://nobody@127.0.0.1:1/none") for _ in range(2))
    one.put(make_record("r0"))
    wait_until(lambda: one._intake.n_waiting == 0)
    found = other.find("r0")
    assert found is not None
    assert tuple(found.probabilities) == CLASSES


def test_feedback_of_database_and_spool_comes_together(address: str, make_log: MakeLog) -> None:
    log = make_log(address)
    log.put(make_record("r0"))
    log.put(FeedbackRecord("f1", "r0", ("blue",), "b", MOMENT + timedelta(seconds=1)))
    settle(log)
    log.put(FeedbackRecord("f0", "r0", ("red",), "a", MOMENT))
    found = log.find("r0")
    assert found is not None
    assert [each.who for each in found.feedback] == ["a", "b"]


def test_measures_are_found_in_another_place_than_their_prediction(
    sqlite_address: str, make_log: MakeLog, folder: Path
) -> None:
    log = make_log(sqlite_address)
    log.put(make_record("r0", pixels=np.zeros((0, 0, 3), np.uint8)))  # not measured
    settle(log)
    found = log.find("r0")
    assert found is not None
    assert (found.properties, found.image) == (None, None)
    log.stop()  # from here on the prediction is in the database alone
    log = make_log(sqlite_address)
    stored(log)
    measured = measure_image(make_record("r0").pixels, 10)
    other = open_spool(folder / "spool")
    other.append([measures_of("r0", measured | {"image": "2026-01-31/r0.png"})])
    found = log.find("r0")
    other.close()
    assert found is not None
    assert found.properties == {name: pytest.approx(measured[name]) for name in NUMERIC}
    assert found.image == "2026-01-31/r0.png"


def test_off_keeps_nothing(folder: Path, make_log: MakeLog) -> None:
    log = make_log(log="off")
    assert log.put(make_record())
    assert log.find("r0") is None
    assert log.status.state == "off"
    log.stop()
    assert not folder.exists()


def test_after_the_stop_records_are_refused_and_counted(
    sqlite_address: str, make_log: MakeLog
) -> None:
    log = make_log(sqlite_address)
    log.put(make_record("r0"))
    log.stop()
    assert stored_ids(sqlite_address) == ["r0"]
    assert not log.put(make_record("r1"))
    assert log.status.n_dropped == 1
    log.stop()


def test_put_never_raises(sqlite_address: str, make_log: MakeLog) -> None:
    log = make_log(sqlite_address)
    assert not log.put(make_record(probabilities="none"))
    assert not log.put("no record")  # type: ignore[arg-type]
    assert log.status.n_dropped == 2


def test_a_defect_costs_the_records_that_it_touches(
    sqlite_address: str, make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(entry: Entry) -> bytes:
        if entry.fields.get("request_id") == "bad":
            raise RuntimeError("a defect")
        return encode(entry)

    monkeypatch.setattr("serving.log.segment.encode", broken)
    log = make_log(sqlite_address)
    for request_id in ("bad", "r0", "r1"):
        assert log.put(make_record(request_id, model_version=request_id))
        written(log)
    settle(log)
    assert stored_ids(sqlite_address) == ["r0", "r1"]
    assert log.status.n_dropped == 1


def test_an_image_that_is_kept_is_named(
    sqlite_address: str, make_log: MakeLog, folder: Path
) -> None:
    log = make_log(sqlite_address, log_images=1.0)
    pixels = np.full((8, 8, 3), 200, np.uint8)
    log.put(make_record("r0", pixels=pixels, data=encode_image(pixels)))
    settle(log)
    found = log.find("r0")
    assert found is not None
    assert found.image == "2026-01-31/r0.png"
    assert (folder / "images" / found.image).is_file()


def test_an_address_of_no_use_degrades_the_log_and_says_why(make_log: MakeLog) -> None:
    log = make_log("mysql://me:secret@host/log")
    assert log.put(make_record())
    wait_until(lambda: log.status.state == "degraded")
    assert log.status.detail.startswith("the prediction log cannot be kept in 'mysql'")
    assert "secret" not in log.status.detail


def test_many_threads_put_at_once(address: str, make_log: MakeLog) -> None:
    log = make_log(address)

    def put(prefix: int) -> None:
        for index in range(100):
            assert log.put(make_record(f"{prefix}-{index:03d}"))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle(log)
    assert len(set(stored_ids(address))) == len(stored_ids(address)) == 800
    assert log.status.n_dropped == 0


def test_a_database_that_says_nothing_is_told(
    sqlite_address: str, make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.log.log._SILENT_S", 0.05)
    goes_on = threading.Event()
    monkeypatch.setattr("serving.log.database.insert_entries", lambda *_: goes_on.wait(20))
    log = make_log(sqlite_address)
    log.put(make_record("r0"))
    wait_until(lambda: log.status.state == "degraded")
    said = "The prediction log's database has not answered for 0.05 s. 1 records wait."
    assert log.status.detail == said
    goes_on.set()
    wait_until(lambda: log.status.state == "ok")
