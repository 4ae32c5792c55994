"""Records, logs and databases for the tests of the prediction log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from serving.log import PredictionLog
from serving.log.engine import make_engine, read_address
from serving.record import PredictionRecord
from serving.settings import ServiceSettings
from tests.postgres import Postgres, running_postgres
from vision.listing import list_paths

CLASSES = ("red", "green", "blue")
MOMENT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
ADDRESS = "sqlite:///{}"


def make_record(request_id: str = "r0", **changes: Any) -> PredictionRecord:
    """A prediction of its own by the request's id; every number can be worked out again."""
    seed = sum(request_id.encode("utf-8", "surrogatepass"))
    probabilities = np.array([0.5, 0.25, 0.25], np.float32)
    values: dict[str, Any] = {
        "request_id": request_id,
        "model_name": "colours",
        "model_version": "v1",
        "label": "red",
        "probability": 0.5,
        "is_abstained": False,
        "classes": CLASSES,
        "probabilities": probabilities,
        "embedding_uae": np.array([seed, 1.5], np.float32),
        "embedding_bbsd": probabilities,
        "embedding_penultimate": np.array([seed, 2.5, 0.5], np.float32),
        "pixels": np.full((4, 6, 3), seed % 256, np.uint8),
        "data": b"0123456789",
        "latency_s": 0.0125,
        "time": MOMENT,
    }
    return PredictionRecord(**(values | changes))


def segments(folder: Path) -> list[Path]:
    """Returns the segments in the spools of all processes."""
    return list_paths(folder, "spool/*/*.seg")


def wait_until(is_so: Callable[[], bool], within_s: float = 30) -> None:
    """Waits for what another thread does."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def written(log: PredictionLog) -> None:
    """Waits until all that was put is in the spool, with the measures that came late."""
    # In this order: what leaves the images comes to the entries.
    wait_until(lambda: log._intake._image_bytes == 0 and log._intake.waiting_bytes == 0)


def stored(log: PredictionLog) -> None:
    """Waits until the database has all records, be their images measured or not."""
    wait_until(lambda: log.status.n_waiting == 0 and log.status.waiting_bytes == 0)
    wait_until(lambda: log._drainer.is_connected)


def settle(log: PredictionLog) -> None:
    """Waits until the database has all that was put, with its measures."""
    written(log)
    stored(log)


def stored_ids(address: str, table: str = "predictions", column: str = "request_id") -> list[str]:
    """Returns the ids in a table, in the order of storing; a second copy would be seen."""
    engine = make_engine(read_address(address))
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT {column} FROM {table} ORDER BY id")
        ids = [row[0] for row in rows]
    engine.dispose()
    return ids


@pytest.fixture(autouse=True)
def stores_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second for rows to come together."""
    monkeypatch.setattr("serving.log.drainer._GATHER_S", 0.05)


MakeLog = Callable[..., PredictionLog]


@pytest.fixture
def make_log() -> Iterator[MakeLog]:
    """Makes logs that run, and stops them in the end."""
    made: list[PredictionLog] = []

    def make(address: str | None = None, *, start: bool = True, **settings: Any) -> PredictionLog:
        log = PredictionLog(ServiceSettings(log_database=address, **settings))
        made.append(log)
        if start:
            log.start()
        return log

    yield make
    for log in made:
        log.stop()


@pytest.fixture
def folder(home: Path) -> Path:
    """Where the log keeps its files."""
    return home / "logs" / "service"


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    """A sqlite file that is not there yet."""
    return ADDRESS.format(tmp_path / "database" / "log.sqlite")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all tests; each makes a database of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, sqlite_address: str) -> str:
    """An empty database, of each kind."""
    if request.param == "sqlite":
        return sqlite_address
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def engine(address: str, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine for an empty database, of each kind."""
    (tmp_path / "database").mkdir()
    made = make_engine(read_address(address))
    yield made
    made.dispose()
