"""Old rows and images go, and nothing else; sqlite files get shorter."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from serving.log import pruning
from serving.log.database import Database
from serving.log.entry import describe
from serving.record import CallRecord, DeploymentRecord, DriftRecord, FeedbackRecord
from tests.serving.log.conftest import MOMENT, make_record, stored_ids

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    for days in range(4):
        file = folder / f"{MOMENT - days * DAY:%Y-%m-%d}" / f"r{days}.jpg"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 100)
        then = (MOMENT - days * DAY).timestamp()
        os.utime(file, (then, then))
    return folder


def fill(address: str) -> None:
    records = []
    for days in range(4):
        time = MOMENT - days * DAY
        records += [
            make_record(f"p{days}", time=time),
            CallRecord(f"c{days}", "GET", "/", 200, 0.1, time=time),
            FeedbackRecord(f"f{days}", f"p{days}", ("red",), time=time),
            DriftRecord(f"d{days}", "colours", "v1", "ok", 200, {}, time),
            DeploymentRecord(f"e{days}", days, "activate", "colours", "v1", "done", "", time),
        ]
    assert Database(address).store([describe(record) for record in records]) == ()


def test_what_is_older_goes(engine: sa.Engine, address: str, images: Path) -> None:
    fill(address)
    before = MOMENT - DAY
    plan = pruning.plan_prune(engine, images, before)
    assert plan.summary() == (
        "before 2026-01-30 12:00 UTC: 2 predictions, 2 calls, 2 feedback, 2 drift checks, "
        "2 images (200 bytes)"
    )
    assert len(stored_ids(address)) == 4
    assert len(list(images.rglob("*.jpg"))) == 4
    assert pruning.prune(engine, images, before) == plan
    assert stored_ids(address) == ["p0", "p1"]
    assert stored_ids(address, "api_log") == ["c0", "c1"]
    assert stored_ids(address, "feedback", "feedback_id") == ["f0", "f1"]
    assert stored_ids(address, "drift_checks", "check_id") == ["d0", "d1"]
    assert len(stored_ids(address, "deployments", "deployment_id")) == 4
    assert sorted(path.name for path in images.iterdir()) == ["2026-01-30", "2026-01-31"]
    assert pruning.plan_prune(engine, images, before).is_nothing


def test_a_sqlite_file_gets_shorter(
    sqlite_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_GROUP", 70)
    database = Database(sqlite_address)
    vector = np.ones(1000, np.float32)
    database.store([describe(make_record(f"r{i}", embedding_uae=vector)) for i in range(500)])
    engine = database.prepare()
    file = Path(sqlite_address.removeprefix("sqlite:///"))
    before = file.stat().st_size
    assert before > 2_000_000
    pruned = pruning.prune(engine, tmp_path / "none", MOMENT + DAY)
    assert pruned.rows["predictions"] == 500
    assert file.stat().st_size < before / 10
    assert database.store([describe(make_record("again"))]) == ()
