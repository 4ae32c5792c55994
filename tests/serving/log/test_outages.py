"""The database is away, locked, slow, or cut off: nothing is lost, nothing twice, nobody waits."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from serving.log import LogError, PredictionLog
from serving.log.drainer import BATCH
from serving.record import CallRecord, FeedbackRecord
from tests.postgres import Postgres
from tests.serving.log.conftest import (
    MakeLog,
    make_record,
    segments,
    settle,
    stored_ids,
    wait_until,
)
from tests.serving.log.proxy import Proxy

pytestmark = pytest.mark.integration


@pytest.fixture
def database(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[Proxy]:
    proxy = Proxy(postgres.port)
    yield proxy
    proxy.down()


def through(proxy: Proxy, database: str) -> str:
    head, _, name = database.rpartition("/")
    return f"{head.rpartition(':')[0]}:{proxy.port}/{name}"


def put_some(log: PredictionLog, prefix: str, number: int, pause_s: float = 0.0) -> list[str]:
    ids = [f"{prefix}-{index:05d}" for index in range(number)]
    for request_id in ids:
        assert log.put(make_record(request_id))
        time.sleep(pause_s)
    return ids


def ended(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a call returns or raises, while the test holds back what it may not wait for."""
    return ThreadPoolExecutor(1).submit(work, *arguments).result(timeout=30)


def has_none(log: PredictionLog, request_id: str) -> bool:
    """Tells whether the database says that it has no such prediction; not if it is late."""
    try:
        return log.find(request_id) is None
    except LogError:
        return False


def is_waited_for(holder: psycopg.Connection[Any]) -> bool:
    """Tells whether somebody has asked the database for what one holds."""
    waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'predictions'::regclass"
    return holder.execute(waiting).fetchone() is not None


def test_db01_database_down_loses_nothing(proxy: Proxy, database: str, make_log: MakeLog) -> None:
    log = make_log(through(proxy, database))  # down at the start
    ids = put_some(log, "a", 1000, pause_s=0.001)
    wait_until(lambda: log.status.state == "degraded")
    assert log.status.detail.startswith(
        "The prediction log's database does not take anything (OperationalError). "
    )
    wait_until(lambda: log.status.n_waiting == 1000)
    proxy.up()
    wait_until(lambda: log.status.n_waiting == 0)
    ids += put_some(log, "b", 500, pause_s=0.001)
    proxy.down()  # while it works
    ids += put_some(log, "c", 1000, pause_s=0.002)
    proxy.up()
    ids += put_some(log, "d", 100)
    wait_until(lambda: log.status.n_waiting == 0 and log.status.state == "ok")
    assert log.status.n_dropped == 0
    assert sorted(stored_ids(database)) == sorted(ids)


def test_db01_the_rest_is_stored_by_the_next_process(
    proxy: Proxy, database: str, make_log: MakeLog, folder: Path
) -> None:
    first = make_log(through(proxy, database))
    ids = put_some(first, "a", 100)
    first.put(CallRecord("call", "GET", "/model", 200, 0.001))
    first.put(FeedbackRecord("f0", "a-00000", ("red",)))
    first.stop()
    assert segments(folder)
    proxy.up()
    second = make_log(through(proxy, database))
    wait_until(lambda: not segments(folder))
    assert sorted(stored_ids(database)) == ids
    assert stored_ids(database, "api_log") == ["call"]
    assert stored_ids(database, "feedback", "feedback_id") == ["f0"]
    second.stop()
    assert list(folder.glob("spool/*")) == []


@pytest.mark.soak
def test_db01_ten_minutes_down_at_50_a_second(
    proxy: Proxy, database: str, make_log: MakeLog
) -> None:
    log = make_log(through(proxy, database))
    ids: list[str] = []
    slowest_s = 0.0
    end = time.monotonic() + 600
    while time.monotonic() < end:
        ids.append(f"r{len(ids):06d}")
        record = make_record(ids[-1])
        started = time.monotonic()
        assert log.put(record)
        slowest_s = max(slowest_s, time.monotonic() - started)
        time.sleep(0.02)
    waiting = log.status.n_waiting
    assert waiting == len(ids) > 20_000
    proxy.up()
    wait_until(lambda: log.status.n_waiting < waiting)
    started = time.monotonic()
    wait_until(lambda: log.status.n_waiting == 0, within_s=waiting / 1000)
    print(f"{waiting} rows drained in {time.monotonic() - started:.1f} s; put {slowest_s:.4f} s")
    assert stored_ids(database) == ids


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_db02_a_locked_database_makes_nobody_wait(
    seconds: int, sqlite_address: str, make_log: MakeLog
) -> None:
    log = make_log(sqlite_address)
    put_some(log, "a", 10)
    wait_until(lambda: log.status.n_waiting == 0 and log.status.state == "ok")
    before = set(threading.enumerate())
    other = sqlite3.connect(sqlite_address.removeprefix("sqlite:///"), isolation_level=None)
    # Another program may just have the lock.
    other.execute("PRAGMA busy_timeout=10000")
    other.execute("BEGIN EXCLUSIVE")
    put_some(log, "b", 100 * seconds, pause_s=0.01)
    assert set(threading.enumerate()) <= before
    wait_until(lambda: log.status.state == "degraded")
    wait_until(lambda: log.status.n_waiting == 100 * seconds)
    other.execute("COMMIT")
    other.close()
    wait_until(lambda: log.status.n_waiting == 0)
    ids = stored_ids(sqlite_address)
    assert len(ids) == len(set(ids)) == 10 + 100 * seconds


def test_db06_a_slow_database_makes_nobody_wait(database: str, make_log: MakeLog) -> None:
    log = make_log(database)
    wait_until(lambda: log.status.state == "ok" and log._drainer.is_connected)
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE predictions IN EXCLUSIVE MODE")
        ids = ended(put_some, log, "a", 100)
        # It was asked to store them, and answers once it is unlocked.
        wait_until(lambda: is_waited_for(other))
        ids += ended(put_some, log, "b", 500)
        wait_until(lambda: log.status.n_waiting == 600)
    wait_until(lambda: log.status.n_waiting == 0)
    assert sorted(stored_ids(database)) == ids


@pytest.mark.parametrize("where", ["COMMIT", "{}-00025"])
def test_db06_a_connection_cut_in_the_middle_stores_nothing_twice(
    where: str, proxy: Proxy, database: str, make_log: MakeLog
) -> None:
    proxy.up()
    log = make_log(through(proxy, database))
    wait_until(lambda: log._drainer.is_connected)
    ids = []
    for attempt in range(2):
        proxy.cut_after = where.format(attempt).encode()
        ids += put_some(log, f"{attempt}", 50)
        wait_until(lambda: proxy.cut_after is None)
        wait_until(lambda: log.status.n_waiting == 0)
    assert proxy.n_cut == 2
    assert sorted(stored_ids(database)) == ids


def test_a_database_that_was_emptied_is_made_again(sqlite_address: str, make_log: MakeLog) -> None:
    log = make_log(sqlite_address)
    put_some(log, "a", 10)
    wait_until(lambda: log.status.n_waiting == 0)
    for file in Path(sqlite_address.removeprefix("sqlite:///")).parent.iterdir():
        file.unlink()
    ids = put_some(log, "b", BATCH + 10)
    wait_until(lambda: log.status.n_waiting == 0 and log.status.state == "ok")
    assert sorted(stored_ids(sqlite_address)) == ids


def test_db06_reading_gives_up_on_a_frozen_database(
    proxy: Proxy, database: str, make_log: MakeLog
) -> None:
    proxy.up()
    log = make_log(through(proxy, database))
    put_some(log, "a", 3)
    settle(log)
    # One that is in no spool either, which would be enough.
    wait_until(lambda: has_none(log, "z"))
    for latency_s in (60.0, 0.9):  # frozen from the start, and in the middle of what it is asked
        proxy.latency_s = latency_s
        started = time.monotonic()
        with pytest.raises(LogError) as caught:
            ended(log.find, "z")
        # Before it gives up, it asks.
        assert time.monotonic() - started > 0.5
        said = "the prediction log's database does not answer; ask again later"
        assert str(caught.value) == said
    proxy.latency_s = 0.0
    wait_until(lambda: has_none(log, "z"))


def test_db02_reading_passes_a_writer_that_holds_the_lock(
    sqlite_address: str, make_log: MakeLog
) -> None:
    log = make_log(sqlite_address)
    put_some(log, "a", 3)
    settle(log)
    other = sqlite3.connect(sqlite_address.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("PRAGMA busy_timeout=10000")
    other.execute("BEGIN EXCLUSIVE")
    # In a write-ahead log, readers pass a writer.
    assert ended(log.find, "z") is None
    other.execute("COMMIT")
    other.close()
