"""An interrupted statement holds no lock, also while the exception is still handled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = pytest.mark.unit

# A process of its own: what is listened for stays for the life of a process, and other tests may
# have asked for it already.
_PROGRAM = """
import signal, sys
import sqlalchemy as sa
from sqlalchemy.orm import Session
from serving.log.interrupted import let_go_when_interrupted

engine = sa.create_engine(f"sqlite:///{sys.argv[1]}", connect_args={"timeout": 0.1})
with engine.begin() as connection:
    connection.exec_driver_sql("create table numbers (value integer)")
    connection.exec_driver_sql("insert into numbers values (1), (2), (3)")

for _ in range(int(sys.argv[2])):
    let_go_when_interrupted()

@sa.event.listens_for(engine, "after_cursor_execute")
def interrupt(connection, cursor, statement, *rest):
    if statement.startswith("select"):
        signal.raise_signal(signal.SIGINT)

def read_after(statement):
    with Session(engine) as session:
        session.execute(sa.text(statement))
        session.execute(sa.text("select value from numbers")).all()

try:
    read_after(sys.argv[3])
except KeyboardInterrupt:
    try:
        with engine.begin() as connection:
            n_rows = connection.exec_driver_sql("update numbers set value = 5").rowcount
        print(n_rows)
    except sa.exc.OperationalError as error:
        print(error.orig)
"""


def _rows_written(folder: Path, times: int, before: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(folder / "numbers.sqlite"), str(times), before],
        cwd=repository(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_without_it_the_database_is_locked(tmp_path: Path) -> None:
    assert _rows_written(tmp_path, 0, "pragma user_version") == "database is locked"


@pytest.mark.parametrize("before", ["pragma user_version", "insert into numbers values (4)"])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_interrupted_lets_go_and_leaves_nothing(
    tmp_path: Path, before: str, times: int
) -> None:
    assert _rows_written(tmp_path, times, before) == "3"
