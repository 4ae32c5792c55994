"""kill -9: what was taken is there afterwards; torn bytes do not stop the start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from serving.log.entry import describe
from serving.log.spools import open_spool
from tests.serving.log.conftest import MakeLog, make_record, segments, stored_ids, wait_until
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.fault]

_SERVICE = """
import sys, time
from serving.log import PredictionLog
from serving.settings import ServiceSettings
from tests.serving.log.conftest import make_record
log = PredictionLog(ServiceSettings(log_database="postgresql://nobody@127.0.0.1:1/none"))
log.start()
for index in range(1_000_000):
    assert log.put(make_record(f"r{index:06d}"))
    print(index, flush=True)
    if index == 199:
        while log._intake.n_waiting:
            time.sleep(0.01)
        print("on the disk", flush=True)
    time.sleep(0.001)
"""


def test_db03_kill_9_with_the_database_down_loses_nothing_that_was_taken(
    folder: Path, sqlite_address: str, make_log: MakeLog
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVICE],
        cwd=repository(),
        env={**os.environ, "PYTHONPATH": str(repository())},
        stdout=subprocess.PIPE,
        text=True,
    ) as service:
        assert service.stdout is not None
        while service.stdout.readline() != "on the disk\n":
            assert service.poll() is None
        while service.stdout.readline() != "399\n":  # of some more the last may not be there yet
            assert service.poll() is None
        service.send_signal(signal.SIGKILL)
        n_taken = 400 + len(service.stdout.readlines())
    make_log(sqlite_address)
    wait_until(lambda: not segments(folder))
    found = sorted(stored_ids(sqlite_address))
    # The last may be taken and not be told yet.
    assert 200 <= len(found) <= n_taken + 1
    assert found == [f"r{index:06d}" for index in range(len(found))]
    # What was being written at that moment may be torn, and nothing else.
    assert len(list(folder.glob("quarantine/*"))) <= 1


def test_db05_a_torn_spool_does_not_stop_the_start(
    folder: Path, sqlite_address: str, make_log: MakeLog
) -> None:
    for tail in (b"Z\xa5\xff\xff", b""):
        dead = open_spool(folder / "spool")
        dead.append([describe(make_record(f"{len(tail)}-{index:03d}")) for index in range(300)])
        dead.close()
        path = dead.folder / "00000001.seg"
        path.write_bytes(path.read_bytes()[:-7] if not tail else path.read_bytes() + tail)
    log = make_log(sqlite_address)
    assert log.put(make_record("new"))
    wait_until(lambda: len(list(folder.glob("spool/*"))) == 1)  # its own
    wait_until(lambda: log.status.n_waiting == 0)
    assert len(stored_ids(sqlite_address)) == 300 + 299 + 1
    torn = [path.read_bytes() for path in (folder / "quarantine").iterdir()]
    assert b"Z\xa5\xff\xff" in torn
    assert len(torn) == 2
    assert log.status.state == "ok"


def test_db05_a_large_spool_is_taken_over_in_seconds(
    folder: Path, sqlite_address: str, make_log: MakeLog
) -> None:
    dead = open_spool(folder / "spool")
    for first in range(0, 20_000, 1_000):
        dead.append(
            [describe(make_record(f"r{index:06d}")) for index in range(first, first + 1_000)]
        )
    dead.close()
    log = make_log(sqlite_address)
    wait_until(lambda: log.status.n_waiting > 0, within_s=5)
    # Rows come in at a thousand a second and more: 20 s would be the slowest that is allowed.
    wait_until(lambda: log.status.waiting_bytes == 0, within_s=20)
    assert len(stored_ids(sqlite_address)) == 20_000


def test_a_second_storing_of_the_same_changes_nothing(
    folder: Path, sqlite_address: str, make_log: MakeLog, tmp_path: Path
) -> None:
    dead = open_spool(folder / "spool")
    dead.append([describe(make_record(f"r{index}")) for index in range(5)])
    dead.close()
    kept = (dead.folder / "00000001.seg").read_bytes()
    for _ in range(2):
        log = make_log(sqlite_address)
        wait_until(lambda: not segments(folder))
        log.stop()
        dead.folder.mkdir(parents=True)
        (dead.folder / "00000001.seg").write_bytes(kept)  # as after a crash before its removal
    assert stored_ids(sqlite_address) == [f"r{index}" for index in range(5)]
