"""Predictions are read as columns, in order, without holding all of them."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from serving.log.database import Database
from serving.log.engine import writing
from serving.log.entry import describe
from serving.log.reading import LoggedModel, list_models, read_predictions, vector_lengths
from serving.log.tables import predictions
from serving.record import FeedbackRecord
from tests.serving.log.conftest import CLASSES, MOMENT, make_record
from vision.images.measure import measure_image

pytestmark = pytest.mark.integration


def fill(address: str, number: int, **changes: object) -> None:
    entries = [
        describe(
            make_record(f"r{index:05d}", time=MOMENT + timedelta(seconds=index), **changes)
        ).measured(measure_image(np.full((4, 6, 3), index % 256, np.uint8), 10))
        for index in range(number)
    ]
    assert Database(address).store(entries) == ()


def only_model(engine: sa.Engine) -> LoggedModel:
    with engine.connect() as connection:
        [model] = list_models(connection)
    return model


def test_batches_are_columns_and_matrices(engine: sa.Engine, address: str) -> None:
    fill(address, 5)
    later = MOMENT + timedelta(days=1)
    Database(address).store(
        [
            describe(FeedbackRecord("f1", "r00001", ("blue",), "b", later)),
            describe(FeedbackRecord("f0", "r00001", ("red",), "a", MOMENT)),
        ]
    )
    model = only_model(engine)
    assert (model.name, model.version, model.classes) == ("colours", "v1", CLASSES)
    assert model.embedding_size == 2
    first, second, third = read_predictions(engine, model, batch=2)
    assert [len(batch) for batch in (first, second, third)] == [2, 2, 1]
    assert first.columns["request_id"] == ["r00000", "r00001"]
    assert first.columns["time"] == [MOMENT, MOMENT + timedelta(seconds=1)]
    assert first.columns["true_labels"] == [None, ["blue"]]  # the newest
    assert first.columns["brightness"] == [0.0, pytest.approx(1 / 255)]
    assert [len(value) for value in first.columns["perceptual_hash"]] == [16, 16]
    assert first.probabilities.tolist() == [[0.5, 0.25, 0.25]] * 2
    assert first.embedding_bbsd.tolist() == first.probabilities.tolist()
    assert first.embedding_uae.shape == (2, 2)
    assert first.embedding_penultimate.tolist()[0] == [sum(b"r00000"), 2.5, 0.5]
    assert third.columns["request_id"] == ["r00004"]


def test_rows_without_the_third_embedding_are_nan(engine: sa.Engine, address: str) -> None:
    fill(address, 3)
    change = sa.update(predictions).values(embedding_penultimate=None)
    with writing(engine).begin() as connection:
        connection.execute(change.where(predictions.c.request_id == "r00001"))
    model = only_model(engine)
    [batch] = read_predictions(engine, model)
    assert np.isnan(batch.embedding_penultimate).all(axis=1).tolist() == [False, True, False]
    assert np.isfinite(batch.embedding_uae).all()
    with engine.connect() as connection:
        assert list(vector_lengths(connection, model).values()) == [3, 2, 3, 3]
    with writing(engine).begin() as connection:
        connection.execute(change)
    [batch] = read_predictions(engine, model)
    assert batch.embedding_penultimate.shape == (3, 0)
    with engine.connect() as connection:
        assert list(vector_lengths(connection, model).values()) == [3, 2, 3, 0]


def test_some_columns_alone_can_be_read(engine: sa.Engine, address: str) -> None:
    fill(address, 3)
    names = ("request_id", "time", "brightness")
    [batch] = read_predictions(engine, only_model(engine), columns=names)
    assert set(batch.columns) == {*names, "true_labels"}
    assert batch.probabilities.shape == (3, 3)


def test_times_bound_and_turn_the_reading(engine: sa.Engine, address: str) -> None:
    fill(address, 10)
    model = only_model(engine)
    since, before = MOMENT + timedelta(seconds=3), MOMENT + timedelta(seconds=7)
    batches = read_predictions(engine, model, since=since, before=before, newest_first=True)
    ids = [request_id for batch in batches for request_id in batch.columns["request_id"]]
    assert ids == ["r00006", "r00005", "r00004", "r00003"]
    assert list(read_predictions(engine, model, before=MOMENT)) == []


def test_model_versions_are_kept_apart(engine: sa.Engine, address: str) -> None:
    fill(address, 1)
    Database(address).store(
        [
            describe(make_record("x", model_version="v2")),
            describe(make_record("y", model_name="digits", classes=("a", "b", "c"))),
            # The same version with other classes is something else, and must not be mixed in.
            describe(make_record("z", classes=("blue", "green", "red"))),
        ]
    )
    with engine.connect() as connection:
        assert [model.version for model in list_models(connection, "colours")] == ["v1", "v2", "v1"]
        [digits] = list_models(connection, "digits", "v1")
        assert list_models(connection, "digits", "v2") == ()
    [batch] = read_predictions(engine, digits)
    assert batch.columns["request_id"] == ["y"]


def test_the_newest_come_from_an_index_without_sorting(engine: sa.Engine, address: str) -> None:
    fill(address, 3)
    query = "SELECT id FROM predictions WHERE model_id = 1 ORDER BY time DESC"
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all()
        else:
            connection.exec_driver_sql("SET enable_seqscan = off; SET enable_sort = off")
            plan = connection.exec_driver_sql(f"EXPLAIN {query}").all()
    text = str(plan)
    assert "ix_predictions_model_id_time" in text
    assert "Sort" not in text
    assert "TEMP B-TREE" not in text


def test_memory_does_not_grow_with_the_number(engine: sa.Engine, address: str) -> None:
    for start in range(3):
        entries = [
            describe(make_record(f"{start}-{index:05d}", embedding_uae=np.ones(256, np.float32)))
            for index in range(2000)
        ]
        Database(address).store(entries)
    del entries
    model = only_model(engine)
    peaks = []
    for limit in (1, 100):
        gc.collect()
        tracemalloc.start()
        for index, _ in enumerate(read_predictions(engine, model, batch=200)):
            if index == limit:
                break
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 1_000_000


@pytest.mark.soak
def test_a_million_rows_are_streamed(engine: sa.Engine, address: str) -> None:
    database = Database(address)
    for start in range(0, 1_000_000, 5_000):
        database.store(
            [
                describe(make_record(f"{index:032x}", time=MOMENT + timedelta(seconds=index)))
                for index in range(start, start + 5_000)
            ]
        )
    model = only_model(engine)
    batches = read_predictions(engine, model, newest_first=True)
    assert sum(map(len, batches)) == 1_000_000
