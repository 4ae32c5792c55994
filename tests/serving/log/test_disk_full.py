"""A disk that takes no more costs records, each of them counted, and nothing else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.log import segment
from tests.postgres import Postgres
from tests.serving.log.conftest import (
    MakeLog,
    make_record,
    segments,
    stored,
    stored_ids,
    wait_until,
    written,
)
from tests.serving.log.proxy import Proxy
from tests.serving.log.test_outages import through
from vision.home import repository

pytestmark = pytest.mark.integration


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a disk of 512 KiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk here")
    monkeypatch.setenv("VISIONSTACK_HOME", str(folder / "home"))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_db04_a_full_disk_is_counted_and_recovered_from(
    small_disk: Path, postgres: Postgres, make_log: MakeLog
) -> None:
    database = postgres.new_database()
    proxy = Proxy(postgres.port)
    log = make_log(through(proxy, database))
    answers: dict[str, bool] = {}

    def put(number: int) -> None:
        for _ in range(number):
            request_id = f"r{len(answers):05d}"
            answers[request_id] = log.put(make_record(request_id))

    put(100)
    wait_until(lambda: log.status.waiting_bytes > 0)
    # Now and then a smaller group still fits.
    wait_until(lambda: bool(put(50)) or list(answers.values()).count(False) >= 100)
    assert log.status.n_dropped == list(answers.values()).count(False)
    wait_until(lambda: "spool cannot be written" in log.status.detail)
    wait_until(lambda: "(No space left on device)" in log.status.detail)
    proxy.up()  # what is stored makes room
    wait_until(lambda: log.status.n_waiting == 0 and log.status.state == "ok")
    put(50)
    assert list(answers.values())[-50:] == [True] * 50
    wait_until(lambda: log.status.n_waiting == 0)
    proxy.down()
    assert sorted(stored_ids(database)) == [key for key, kept in answers.items() if kept]
    assert log.status.n_dropped == list(answers.values()).count(False)


def test_db04_every_kind_of_failure_is_survived(
    sqlite_address: str, make_log: MakeLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, n_failures, is_full = os.write, 0, True

    def failing(handle: int, data: Any) -> int:
        nonlocal n_failures
        if is_full and len(data) > 100:
            n_failures += 1
            raise OSError((errno.ENOSPC, errno.EDQUOT, errno.EFBIG)[n_failures % 3], "full")
        return write(handle, data)

    monkeypatch.setattr(segment.os, "write", failing)
    log = make_log(sqlite_address)
    assert log.put(make_record("r0"))
    wait_until(lambda: n_failures >= 3 and log.status.state == "degraded")
    assert not log.put(make_record("r1"))
    is_full = False
    wait_until(lambda: log.status.n_waiting == 0 and log.status.state == "ok")
    assert log.status.n_dropped == 1
    assert log.put(make_record("r2"))
    wait_until(lambda: log.status.n_waiting == 0)
    assert stored_ids(sqlite_address) == ["r0", "r2"]


def test_db04_a_folder_that_cannot_be_made_drops_and_counts(
    folder: Path, sqlite_address: str, make_log: MakeLog
) -> None:
    folder.mkdir(parents=True)
    (folder / "spool").write_text("in the way")
    log = make_log(sqlite_address)
    assert log.put(make_record("r0"))
    wait_until(lambda: log.status.state == "degraded")
    assert not log.put(make_record("r1"))
    log.stop()
    # The first was promised a place; with the process it is gone, and that is counted too.
    assert log.status.n_dropped == 2


_LIMITED = """
import resource, sys, time
from serving.log import PredictionLog
from serving.record import CallRecord
from serving.settings import ServiceSettings
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
log = PredictionLog(ServiceSettings(log_database="postgresql://nobody@127.0.0.1:1/none"))
for index in range(400):  # far more at once than one file may hold
    assert log.put(CallRecord(f"c{index:03d}", "GET", "/model", 200, 0.001))
log.start()
while log._intake.n_waiting:
    time.sleep(0.01)
log.stop()
print(log.status.n_waiting)
"""


def test_db04_a_limit_on_the_size_of_files_starts_new_ones(
    folder: Path, sqlite_address: str, make_log: MakeLog
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED],
        cwd=repository(),
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert done.stdout == "400\n", done.stderr
    assert len(segments(folder)) > 3
    log = make_log(sqlite_address)
    wait_until(lambda: not segments(folder))
    assert log.status.n_dropped == 0
    expected = [f"c{index:03d}" for index in range(400)]
    assert stored_ids(sqlite_address, "api_log") == expected


def test_db09_the_oldest_are_kept_when_the_spool_is_full(
    postgres: Postgres, make_log: MakeLog, folder: Path
) -> None:
    database = postgres.new_database()
    proxy = Proxy(postgres.port)
    log = make_log(through(proxy, database), start=False, log_spool_bytes=100_000)
    answers = {f"r{index:04d}": log.put(make_record(f"r{index:04d}")) for index in range(300)}
    kept = [request_id for request_id, answer in answers.items() if answer]
    assert 50 < len(kept) < 300
    assert kept == list(answers)[: len(kept)]
    assert log.status.n_dropped == 300 - len(kept)
    log.start()
    written(log)
    size = sum(path.stat().st_size for path in folder.glob("spool/*/*.seg"))
    assert size == log.status.waiting_bytes <= 100_000
    # As written, records take less than was set aside for them, so some more fit.
    while log.put(make_record(f"s{len(answers):04d}")):
        answers[f"s{len(answers):04d}"] = True
        written(log)
    assert 95_000 < log.status.waiting_bytes <= 100_000
    assert "Records are dropped: as much waits as may." in log.status.detail
    proxy.up()
    stored(log)
    wait_until(lambda: log.status.state == "ok")
    assert log.put(make_record("t0"))
    wait_until(lambda: log.status.n_waiting == 0)
    proxy.down()
    expected = [request_id for request_id, answer in answers.items() if answer]
    assert stored_ids(database) == [*expected, "t0"]
    assert log.status.n_dropped == 300 - len(kept) + 1
