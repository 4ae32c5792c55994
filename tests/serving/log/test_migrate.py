"""From any released form to the newest and back; two processes at once; nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from serving.log import LogError, migrate
from serving.log.database import Database
from serving.log.engine import is_sqlite, make_engine, read_address, writing
from serving.log.entry import describe
from serving.log.frames import decode, encode
from serving.log.tables import metadata, predictions
from serving.record import CallRecord, DeploymentRecord, DriftRecord, FeedbackRecord
from tests.serving.log.conftest import make_record
from vision.home import repository

pytestmark = pytest.mark.integration

RECORDS = (
    make_record("p0"),
    CallRecord("c0", "POST", "/predict", 200, 0.5),
    FeedbackRecord("f0", "p0", ("red", "green"), "me"),
    DriftRecord("d0", "colours", "v1", "ok", 200, {"uae": {"p_value": 0.5}}),
    DeploymentRecord("e0", 3, "activate", "colours", "v1", "done"),
)


def counts(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        found = sa.inspect(connection).get_table_names()
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in found
            if name != "alembic_version"
        }


@pytest.mark.parametrize("revision", migrate.revisions())
def test_db07_upgrade_from_and_downgrade_to_each_released_form(
    revision: str, engine: sa.Engine, address: str
) -> None:
    migrate.upgrade(engine, revision)
    Database(address).store([describe(record) for record in RECORDS])
    migrate.upgrade(engine)
    before = counts(engine)
    assert before == dict.fromkeys(metadata.tables, 1)
    migrate.downgrade(engine, revision)
    migrate.upgrade(engine)
    assert counts(engine) == before
    with engine.connect() as connection:
        assert migrate.current(connection) == migrate.newest()
    migrate.downgrade(engine)
    assert counts(engine) == {}


_FIRST_FORM = (
    "INSERT INTO models (digest, name, version, classes, embedding_size) "
    "VALUES ('d', 'colours', 'v0', '[]', 2)",
    "INSERT INTO predictions (request_id, time, model_id, label, probability, is_abstained, "
    "latency_s, probabilities, embedding_uae) "
    "SELECT 'old', '2026-01-31 12:00:00.000000', id, 'red', 0.5, {false}, 0.1, {bytes}, {bytes} "
    "FROM models",
)


def test_rows_of_the_first_form_lack_the_third_embedding(engine: sa.Engine, address: str) -> None:
    migrate.upgrade(engine, "0001")
    kinds = (
        ("0", "X'0000003F0000003F'") if is_sqlite(engine) else ("false", r"'\x0000003f0000003f'")
    )
    with writing(engine).begin() as connection:
        for statement in _FIRST_FORM:
            text = statement.format(**dict(zip(("false", "bytes"), kinds, strict=True)))
            connection.exec_driver_sql(text)
    # The service does this at its start.
    Database(address).store([describe(make_record("new"))])
    with engine.connect() as connection:
        rows = connection.execute(sa.select(predictions).order_by(predictions.c.id)).all()
    assert [row.request_id for row in rows] == ["old", "new"]
    assert rows[0].embedding_penultimate is None
    assert rows[0].probabilities == b"\0\0\0?\0\0\0?"
    assert len(rows[1].embedding_penultimate) == 12
    migrate.downgrade(engine, "0001")
    assert counts(engine)["predictions"] == 2


def test_a_spool_of_the_former_release_is_stored(engine: sa.Engine, address: str) -> None:
    entry = describe(make_record("old"))
    del entry.arrays["embedding_penultimate"]
    written = decode(encode(entry)[10:])
    assert Database(address).store([replace(written, model=entry.model)]) == ()
    with engine.connect() as connection:
        [row] = connection.execute(sa.select(predictions)).all()
    assert (row.request_id, row.embedding_penultimate) == ("old", None)


def test_the_newest_migration_makes_the_tables_that_the_code_uses(engine: sa.Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        # Unnamed ones could not be changed later.
        names = [each["name"] for each in sa.inspect(connection).get_unique_constraints("feedback")]
        assert names == ["uq_feedback_feedback_id"]


_REPLICA = """
import sys
from serving.log import migrate
from serving.log.engine import make_engine, read_address
engine = make_engine(read_address(sys.argv[1]), waits_s=30)
print("ready", flush=True)
sys.stdin.readline()
migrate.upgrade(engine)
"""


def test_db07_replicas_that_migrate_at_once_wait_for_each_other(
    engine: sa.Engine, address: str
) -> None:
    command = [sys.executable, "-c", _REPLICA, address]
    replicas = [
        subprocess.Popen(
            command, cwd=repository(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for replica in replicas:
        assert replica.stdout is not None
        assert replica.stdout.readline() == "ready\n"
    for replica in replicas:
        replica.communicate("go\n", timeout=60)
    assert [replica.returncode for replica in replicas] == [0, 0]
    with engine.connect() as connection:
        assert migrate.current(connection) == migrate.newest()
        rows = connection.exec_driver_sql("SELECT count(*) FROM alembic_version")
        assert rows.scalar_one() == 1


def test_db07_a_migration_that_fails_changes_nothing(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(engine).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE deployments (mine INTEGER)")
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(engine)  # that table is the last of the first form
    assert counts(engine) == {"deployments": 0}


def test_a_database_of_a_newer_release_is_left_alone(engine: sa.Engine, address: str) -> None:
    migrate.upgrade(engine)
    with writing(engine).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'future'")
    with pytest.raises(LogError, match="in the form 'future', which this program does not know"):
        migrate.upgrade(engine)
    with pytest.raises(LogError, match="a newer release has changed it, so run that one"):
        Database(address).store([describe(make_record())])
    assert counts(engine)["predictions"] == 0


def test_sqlite_files_have_a_write_ahead_log_and_give_space_back(sqlite_address: str) -> None:
    engine = Database(sqlite_address).prepare()
    with engine.connect() as connection:
        assert is_sqlite(connection)
        pragmas = ("journal_mode", "auto_vacuum", "synchronous", "foreign_keys")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert values == ["wal", 2, 2, 1]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mysql://u:secret@host/x", "cannot be kept in 'mysql'"),
        ("secret words", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_an_address_of_no_use_is_refused_without_its_password(address: str, message: str) -> None:
    with pytest.raises(LogError, match=message) as refusal:
        read_address(address)
    assert "secret" not in str(refusal.value)


@pytest.mark.unit
def test_a_postgresql_address_means_psycopg_3_and_time_limits() -> None:
    url = read_address("postgresql://me@host/log?connect_timeout=1")
    assert url.drivername == "postgresql+psycopg"
    assert make_engine(url).url.query == {"connect_timeout": "1"}
