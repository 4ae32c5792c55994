"""What waits in memory is bounded, counted, and never lost on its way."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from serving.log import intake
from serving.log.frames import encode
from serving.log.intake import Intake, size_of
from serving.record import CallRecord, DriftRecord
from tests.serving.log.conftest import make_record
from vision.images.measure import measure_image

pytestmark = pytest.mark.unit


def make_intake(room: int = 1 << 30) -> Intake:
    made = Intake(lambda size: made.waiting_bytes + size <= room)
    return made


def test_an_image_that_is_measured_in_time_is_written_with_its_record() -> None:
    made = make_intake()
    assert made.put(make_record("r0"))
    image = made.take_image()
    assert image is not None
    made.measured(image, {"brightness": 0.5})
    [entry] = made.take(10)
    assert (entry.kind, entry.fields["brightness"]) == ("prediction", 0.5)
    assert made.take(10) == (entry,)  # until it is written
    assert made.put(CallRecord("c0", "GET", "/", 200, 0.1))
    assert made.take(10) == (entry,)
    made.written()
    assert [each.kind for each in made.take(10)] == ["call"]
    made.written()
    assert (made.n_waiting, made.waiting_bytes, made.take(10)) == (0, 0, ())


def test_a_late_measurement_follows_its_record() -> None:
    made = make_intake()
    made.put(make_record("r0"))
    image = made.take_image()
    assert image is not None
    [entry] = made.take(10, all_of_them=True)
    assert "brightness" not in entry.fields
    made.written()
    made.measured(image, {"brightness": 0.5})
    [late] = made.take(10)
    assert (late.kind, late.fields) == ("measures", {"request_id": "r0", "brightness": 0.5})
    made.written()
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)


def test_an_image_that_cannot_be_measured_costs_only_the_measures() -> None:
    made = make_intake()
    made.put(make_record("r0"))
    image = made.take_image()
    assert image is not None
    made.measured(image, {})
    [entry] = made.take(10)
    assert entry.fields["request_id"] == "r0"


def test_more_than_64_mib_of_pixels_are_dropped_and_the_records_stay() -> None:
    made = make_intake()
    large = np.zeros((1024, 10_240, 3), np.uint8)  # 30 MiB
    for index in range(4):
        assert made.put(make_record(f"r{index}", pixels=large))
    n_images = 0
    while made.take_image() is not None:
        n_images += 1
    assert n_images == 2
    assert len(made.take(10, all_of_them=True)) == 4


def test_one_image_above_the_limit_is_measured_if_nothing_else_waits() -> None:
    made = make_intake()
    made.put(make_record("r0", pixels=np.zeros((5000, 5000, 3), np.uint8)))
    made.put(make_record("r1"))
    image = made.take_image()
    assert image is not None
    assert made.take_image() is None
    made.measured(image, {})
    made.put(make_record("r2"))
    assert made.take_image() is not None


def test_db09_what_has_no_room_is_refused_and_counted() -> None:
    made = make_intake(room=10_000)
    taken = [made.put(make_record(f"r{index}")) for index in range(50)]
    assert taken == sorted(taken, reverse=True)  # the oldest are kept
    assert made.n_dropped == taken.count(False) > 0
    assert made.n_waiting == taken.count(True) > 5


def test_memory_holds_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_ENTRIES", 5)
    made = make_intake()
    calls = [CallRecord(f"c{index}", "GET", "/", 200, 0.1) for index in range(7)]
    assert [made.put(call) for call in calls] == [True] * 5 + [False] * 2
    assert (made.n_dropped, made.is_full) == (2, True)


def test_a_closed_intake_refuses_and_counts() -> None:
    made = make_intake()
    made.put(make_record("r0"))
    made.close()
    assert not made.put(make_record("r1"))
    assert len(made.take(10, all_of_them=True)) == 1
    assert made.give_up() == 1
    assert made.n_dropped == 2


def test_sizes_are_estimated_high() -> None:
    made = make_intake()
    detail = {"views": list(range(50))}
    for record in (
        make_record("r0", embedding_uae=np.ones(100, np.float32)),
        make_record("ü" * 50),
        CallRecord("c0", "GET", "/predictions/{id}", 200, 1 / 3, "0123abcd", "unknown-format"),
        DriftRecord("d0", "colours", "v1", "drift", 200, detail),
    ):
        made.put(record)
        image = made.take_image()
        if image is not None:
            made.measured(image, measure_image(image.record.pixels, 10))
        [entry] = made.take(10)
        assert len(encode(entry)) <= size_of(entry) < 3 * len(encode(entry))
        made.written()
    assert made.waiting_bytes == 0


def test_less_may_be_taken_of_what_could_not_be_written() -> None:
    made = make_intake()
    for index in range(5):
        made.put(CallRecord(f"c{index}", "GET", "/", 200, 0.1))
    assert len(made.take(4)) == 4
    ids = []
    while some := made.take(2):
        ids += [entry.fields["request_id"] for entry in some]
        made.written()
    assert ids == ["c0", "c1", "c2", "c3", "c4"]
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)


def test_many_threads_lose_nothing() -> None:
    made = make_intake()
    taken: list[str] = []

    def put(prefix: int) -> None:
        for index in range(200):
            assert made.put(make_record(f"{prefix}-{index}"))

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(taken) < 1600:
        if (image := made.take_image()) is not None:
            made.measured(image, {})
        taken += [entry.fields["request_id"] for entry in made.take(50)]
        made.written()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 1600
    assert (made.n_waiting, made.waiting_bytes) == (0, 0)
