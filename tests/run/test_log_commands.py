"""``run.py log``: what is written, what is removed, what is said."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import run
from serving.log.database import Database
from serving.log.entry import describe
from serving.record import FeedbackRecord
from serving.settings import ServiceSettings
from tests.run.loading import loaded_by
from tests.serving.log.conftest import MOMENT, make_record, stored_ids


@pytest.fixture
def address(home: Path) -> str:
    """The database that the service of this home would write to, with three predictions."""
    records = [
        make_record("r0"),
        make_record("r1", time=MOMENT + timedelta(days=1)),
        make_record("r2", model_name="digits", time=MOMENT + timedelta(days=2)),
        FeedbackRecord("f0", "r1", ("blue", "red")),
    ]
    address = ServiceSettings().database_url
    Database(address).store([describe(record) for record in records])
    return address


def test_export_writes_what_the_log_holds(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "log.parquet"
    assert run.main(["log", "export", "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"3 predictions: {output}\n"
    table = pq.read_table(output)
    assert table.column("request_id").to_pylist() == ["r0", "r1", "r2"]
    assert table.column("model_name").to_pylist() == ["colours", "colours", "digits"]
    assert table.column("time").to_pylist()[0] == MOMENT
    assert str(table.schema.field("probabilities").type) == "fixed_size_list<element: float>[3]"
    assert table.column("embedding_bbsd").to_pylist() == [[0.5, 0.25, 0.25]] * 3
    assert str(table.schema.field("embedding_uae").type) == "fixed_size_list<element: float>[2]"
    third = table.column("embedding_penultimate").to_pylist()
    assert third[1] == [163.0, 2.5, 0.5]
    assert table.column("true_labels").to_pylist() == [None, ["blue", "red"], None]
    assert table.column("brightness").null_count == 3  # stored here without their images
    classes = json.loads(table.schema.metadata[b"classes"])
    assert classes == {key: ["red", "green", "blue"] for key in ("colours:v1", "digits:v1")}
    assert [path.name for path in output.parent.iterdir()] == ["log.parquet"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--model", "digits"], ["r2"]),
        (["--model", "colours:v1"], ["r0", "r1"]),
        (["--since", "2026-02-01"], ["r1", "r2"]),
        (["--since", "2026-02-01T13:00:00.123457+01:00"], ["r2"]),
        (["--since", "2030-01-01"], []),
    ],
)
def test_export_takes_what_was_asked_for(
    options: list[str], ids: list[str], address: str, tmp_path: Path
) -> None:
    output = tmp_path / "log.parquet"
    assert run.main(["log", "export", "--output", str(output), *options]) == 0
    assert pq.read_table(output).column("request_id").to_pylist() == ids


def test_export_reads_another_database(tmp_path: Path, home: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    Database(other).store([describe(make_record("r9"))])
    output = tmp_path / "log.parquet"
    assert run.main(["log", "export", "--output", str(output), "--database", other]) == 0
    assert pq.read_table(output).num_rows == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "cats"], "error: the log has no predictions of the model 'cats'; GET /models"),
        (
            ["--database", "sqlite:////none/x.sqlite"],
            "error: there is no prediction log at sqlite:",
        ),
        (
            ["--database", "postgresql://u:secret@127.0.0.1:1/x"],
            "error: the prediction log at post",
        ),
        (["--database", "nothing"], "error: the address of the prediction log's database cannot"),
    ],
)
def test_export_says_what_is_wrong(
    options: list[str],
    said: str,
    address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "log.parquet"
    assert run.main(["log", "export", "--output", str(output), *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert "secret" not in error
    assert not output.exists()


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (
            "postgresql://u:secret@CANARYtail@127.0.0.1:1/db",
            "error: the address of the prediction log's database has more than one '@'; write an "
            "'@' in a user name or password as %40\n",
        ),
        (
            "postgresql://127.0.0.1:1/db?user=u&password=CANARYpw1",
            "error: the prediction log at postgresql://127.0.0.1:1/db does not answer "
            "(OperationalError); check that it runs, and the user, password and database in the "
            "address\n",
        ),
    ],
)
@pytest.mark.parametrize("command", ["export", "prune"])
def test_se02_no_command_repeats_a_password(
    command: str,
    database: str,
    said: str,
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = {"export": ["--output", str(tmp_path / "x")], "prune": ["--older-than", "1"]}
    assert run.main(["log", command, *options[command], "--database", database]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", said)


def test_rows_of_older_releases_have_no_third_embedding(
    address: str, home: Path, tmp_path: Path
) -> None:
    output = tmp_path / "log.parquet"
    with sqlite3.connect(home / "logs" / "service" / "predictions.sqlite") as connection:
        connection.execute(
            "UPDATE predictions SET embedding_penultimate = NULL WHERE request_id = 'r0'"
        )
    assert run.main(["log", "export", "--output", str(output)]) == 0
    column = pq.read_table(output).column("embedding_penultimate")
    assert np.isnan(column.to_pylist()[0]).all()
    assert column.to_pylist()[1:] == [[163.0, 2.5, 0.5], [164.0, 2.5, 0.5]]
    with sqlite3.connect(home / "logs" / "service" / "predictions.sqlite") as connection:
        connection.execute("UPDATE predictions SET embedding_penultimate = NULL")
    assert run.main(["log", "export", "--output", str(output)]) == 0
    assert "embedding_penultimate" not in pq.read_schema(output).names


def test_export_refuses_to_mix_lengths(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longer = make_record("r3", model_version="v2", embedding_uae=np.ones(5, np.float32))
    Database(address).store([describe(longer)])
    output = tmp_path / "log.parquet"
    assert run.main(["log", "export", "--output", str(output), "--model", "colours"]) == 1
    error = capsys.readouterr().err
    assert "colours:v1 (3 classes, embeddings of 2, 3 and 3), colours:v2 (3 classes, " in error
    assert error.endswith("export one at a time with --model NAME:VERSION\n")
    options = ["--model", "colours:v2"]
    assert run.main(["log", "export", "--output", str(output), *options]) == 0


def test_export_leaves_other_sqlite_files_as_they_are(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    output = tmp_path / "log.parquet"
    options = ["--database", f"sqlite:///{other}"]
    assert run.main(["log", "export", "--output", str(output), *options]) == 1
    assert "has the form None, and this program reads" in capsys.readouterr().err
    assert other.read_bytes() == before


def test_prune_changes_nothing_until_it_is_meant(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["log", "prune", "--before", "2026-02-01"]
    assert run.main(arguments) == 0
    what = (
        "before 2026-02-01 00:00 UTC: 1 predictions, 0 calls, 0 feedback, 0 drift checks, "
        "0 images (0 bytes)"
    )
    shown = capsys.readouterr().out
    assert shown == f"would remove {what}\nnothing was changed; do it with --yes\n"
    assert len(stored_ids(address)) == 3
    assert run.main([*arguments, "--yes"]) == 0
    assert capsys.readouterr().out == f"removed {what}\n"
    assert stored_ids(address) == ["r1", "r2"]


def test_prune_says_where_copies_of_images_are(
    address: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "monitoring" / "reports" / "digits").mkdir(parents=True)
    (home / "reviews").mkdir()  # with nothing in it
    said = f"copies of images stay in {home}/monitoring/reports; delete there what is too old\n"
    for options in ([], ["--yes"]):
        assert run.main(["log", "prune", "--before", "2026-02-01", *options]) == 0
        assert capsys.readouterr().out.endswith(said)


def test_prune_by_age(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.now(UTC)
    Database(address).store([describe(make_record("new", time=now - timedelta(days=6)))])
    assert run.main(["log", "prune", "--older-than", "7", "--yes"]) == 0
    assert "new" in stored_ids(address)
    assert capsys.readouterr().out.startswith("removed before ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export"], "Missing option '--output'"),
        (["export", "--output", "x", "--since", "yesterday"], "'yesterday' is no date; write 2026"),
        (["prune"], "say how old: either --before DATE or --older-than DAYS"),
        (["prune", "--before", "2026-01-01", "--older-than", "3"], "say how old"),
        (["prune", "--older-than", "0"], "0 is not in the range x>=1"),
    ],
)
def test_a_wrong_call_ends_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["log", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_help_of_the_group_loads_nothing_heavy() -> None:
    heavy = {"pydantic", "sqlalchemy", "pyarrow", "numpy"}
    assert (
        loaded_by(
            "from pipelines.log_commands import log\nlog.main(['--help'], standalone_mode=False)",
            heavy,
        )
        == "[]"
    )
