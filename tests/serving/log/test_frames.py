"""Entries come back from their bytes as they were, and damage costs no more than it touches."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.log.entry import Entry, describe
from serving.log.frames import (
    FILE_START,
    DamagedEntryError,
    count_records,
    decode,
    encode,
    read_frames,
)
from serving.record import DriftRecord, FeedbackRecord
from tests.serving.log.conftest import CLASSES, MOMENT, make_record

pytestmark = pytest.mark.unit


def test_a_prediction_is_json_and_raw_vectors() -> None:
    entry = describe(make_record("r0"))
    again = decode(encode(entry)[10:])
    assert (again.kind, again.fields) == ("prediction", entry.fields)
    assert entry.fields["time"] == 1_769_860_800_123_456
    assert np.frombuffer(again.arrays["embedding_uae"], "<f4").tolist() == [162.0, 1.5]
    # Equal to the probabilities, so not written twice.
    assert set(again.arrays) == {"probabilities", "embedding_uae", "embedding_penultimate"}
    assert np.frombuffer(again.arrays["embedding_penultimate"], "<f4").tolist() == [162, 2.5, 0.5]
    assert len(encode(entry)) < 450
    assert entry.model is not None
    assert entry.model.fields["classes"] == list(CLASSES)
    assert again.fields["model"] == entry.model.fields["digest"]


def test_another_embedding_is_written() -> None:
    entry = describe(make_record(embedding_bbsd=np.array([1, 2, 3], np.float64)))
    assert entry.arrays["embedding_bbsd"] == np.array([1, 2, 3], "<f4").tobytes()


def test_a_time_without_zone_is_utc() -> None:
    aware, naive = make_record(), make_record(time=MOMENT.replace(tzinfo=None))
    assert describe(aware).fields["time"] == describe(naive).fields["time"]


def test_numbers_that_json_lacks_become_null() -> None:
    detail = {"uae": {"p": float("nan"), "t": [1.0, float("inf")]}}
    record = DriftRecord("d", "m", "v", "error", 0, detail)
    assert describe(record).fields["detail"] == {"uae": {"p": None, "t": [1.0, None]}}


@given(st.lists(st.text(), max_size=4), st.text())
def test_db08_any_text_comes_back(labels: list[str], who: str) -> None:
    entry = describe(FeedbackRecord("f", "\ud800\0", tuple(labels), who))
    fields = decode(encode(entry)[10:]).fields
    assert (fields["labels"], fields["who"], fields["request_id"]) == (labels, who, "\ud800\0")


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_db05_damage_costs_only_the_entries_that_it_touches(random: random.Random) -> None:
    entries = [describe(make_record(f"r{index}")) for index in range(8)]
    frames = [encode(entry) for entry in entries]
    data = bytearray(FILE_START + b"".join(frames))
    victim = random.randrange(8)
    start = len(FILE_START) + sum(map(len, frames[:victim]))
    position = start + random.randrange(len(frames[victim]))
    data[position] ^= 1 << random.randrange(8)
    found = list(read_frames(bytes(data)))
    good = [decode(frame.payload) for frame in found if frame.payload is not None]
    expected = [f"r{index}" for index in range(8) if index != victim]
    assert [entry.fields["request_id"] for entry in good] == expected
    damaged = [(frame.start, frame.end) for frame in found if frame.payload is None]
    assert damaged == [(start, start + len(frames[victim]))]


def test_db05_a_file_cut_anywhere_gives_what_is_whole() -> None:
    frames = [encode(describe(make_record(f"r{index}"))) for index in range(3)]
    data = FILE_START + b"".join(frames)
    ends = [len(FILE_START) + sum(map(len, frames[:number])) for number in range(4)]
    for length in range(len(data) + 1):
        n_whole = sum(end <= length for end in ends[1:])
        found = list(read_frames(data[:length]))
        assert sum(frame.payload is not None for frame in found) == n_whole
        assert count_records(data[:length]) == n_whole


@pytest.mark.parametrize(
    "payload",
    [b"", b"\0\0\0\0", b"\x02\0\0\0[]", b"\x01\0\0\0{", b'\x0d\0\0\0["call",{},5]', b"\xff" * 9],
)
def test_a_frame_with_something_else_in_it_is_named(payload: bytes) -> None:
    with pytest.raises(DamagedEntryError, match=f"an entry of {len(payload)} bytes"):
        decode(payload)


def test_values_that_json_does_not_know_are_kept_as_what_they_mean() -> None:
    entry = Entry("drift", {"n": np.int64(3), "p": np.float32(0.5), "where": MOMENT})
    fields = decode(encode(entry)[10:]).fields
    assert fields == {"n": 3, "p": 0.5, "where": "2026-01-31 12:00:00.123456+00:00"}


def test_models_and_measures_are_not_counted_as_records() -> None:
    entry = describe(make_record())
    assert entry.model is not None
    parts = [entry.model, entry, Entry("measures", {"request_id": "r0"})]
    assert count_records(FILE_START + b"".join(map(encode, parts))) == 1
