"""What monitoring keeps comes back as it was, through the store and without pickle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from materializers.monitoring_checks import (
    DriftChecksMaterializer,
    PropertyChecksMaterializer,
    TrafficMaterializer,
)
from materializers.monitoring_report import MonitoringReportMaterializer
from materializers.packed import Packing, Unpacking
from tests.materializers.memory_store import ROOT, MemoryStore
from vision.drift.result import DriftResult, ViewTest
from vision.drift.views import DriftRows
from vision.images.measure import NUMERIC
from vision.monitoring.checks import DriftChecks, PropertyChecks, VersionCheck
from vision.monitoring.evidence import Evidence
from vision.monitoring.period import PeriodBatch, PeriodReader
from vision.monitoring.published import PublishedReport
from vision.monitoring.report import MonitoringReport, VersionReport
from vision.monitoring.traffic import BrokenRows, Traffic, VersionTraffic

pytestmark = pytest.mark.unit

Keep = Callable[[type[Any], Any], Any]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEST = ViewTest("uae", "ks", 50, 0.5, 1e-9, 0.01, "uae 3")


def same(one: Any, other: Any) -> bool:
    """Compares values that hold arrays; types count."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other or (one != one and other != other))


def make_traffic(n: int = 40) -> Traffic:
    """Three days of predictions; no reference set, so distances are NaN."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), n).astype(np.float32)
    properties = {name: rng.random(n) for name in NUMERIC}
    properties["brightness"][0] = np.nan
    rows = DriftRows(
        uae=rng.random((n, 2), np.float32),
        bbsd=probabilities,
        penultimate=rng.random((n, 4), np.float32),
        properties=rng.random((n, 11)),
        classes=probabilities.argmax(axis=1),
    )
    hours = np.arange(n, 0, -1).astype("timedelta64[h]")
    batch = PeriodBatch(
        times=np.datetime64("2026-01-29T00:00:00", "us") + hours,
        request_ids=[f"r{i}" for i in range(n)],
        labels=["abc"[i] for i in rows.classes],
        probabilities=probabilities,
        is_abstained=rng.random(n) < 0.2,
        rows=rows,
        properties=properties,
        images=[None, *(f"2026-01-31/{i}.png" for i in range(n - 1))],
        true_labels=[["a"], ["x"], ["a", "b"], *[None] * (n - 3)],
    )
    reader = PeriodReader(("a", "b", "c"), n_newest=10, seed=0)
    reader.add(batch)
    empty = PeriodReader(("a", "b", "c"), n_newest=10, seed=0).finish()
    left_out = {"n_left_out": 3, "served_until": NOW, "broken": BrokenRows(4, 2, 9)}
    versions = (
        VersionTraffic("v2", reader.finish()),
        VersionTraffic("v1", empty, problem="it is gone", **left_out),  # type: ignore[arg-type]
    )
    return Traffic("colours", NOW, NOW, versions, note="")


def test_traffic_comes_back(keep: Keep, store: MemoryStore) -> None:
    traffic = make_traffic()
    loaded = keep(TrafficMaterializer, traffic)
    assert same(loaded, traffic)
    loaded.versions[0].period.newest.uae[0] += 1  # what is loaded can be worked with
    assert set(store.files) == {f"{ROOT}/values.json", f"{ROOT}/arrays.bin"}


def test_tests_come_back(keep: Keep) -> None:
    result = DriftResult(50, (TEST,))
    evidence = Evidence(result, (TEST,), {date(2026, 1, 31): result}, {"brightness": "moved"})
    checks = DriftChecks((VersionCheck("v2", evidence), VersionCheck("v1", problem="gone")))
    assert same(keep(DriftChecksMaterializer, checks), checks)


def test_properties_come_back(keep: Keep) -> None:
    checks = PropertyChecks("property_schema", {"v2": {"brightness": "moved"}, "v1": {}})
    assert same(keep(PropertyChecksMaterializer, checks), checks)


def test_the_hash_follows_the_content() -> None:
    make = TrafficMaterializer(ROOT, artifact_store=MemoryStore())  # type: ignore[arg-type]
    hashes = {make.compute_content_hash(make_traffic(n)) for n in (40, 40, 41)}
    assert len(hashes) == 2


@pytest.mark.parametrize("with_page", [True, False])
def test_a_report_comes_back_with_its_page(with_page: bool, keep: Keep, store: MemoryStore) -> None:
    part = VersionReport(name="m", version="v1", verdict="drift", moved=("uae",), n_predictions=9)
    report = MonitoringReport(name="m", created_at=NOW, since=NOW, until=NOW, versions=(part,))
    if with_page:
        report = PublishedReport(**dict(report), html="<html>é</html>")
    loaded = keep(MonitoringReportMaterializer, report)
    assert isinstance(loaded, PublishedReport)
    assert loaded.model_dump(exclude={"html"}) == report.model_dump(exclude={"html"})
    assert loaded.html == ("<html>é</html>" if with_page else "")
    assert b"html" not in store.files[f"{ROOT}/report.json"]


@dataclass(frozen=True)
class Odd:
    value: Any


@pytest.mark.parametrize(
    "value", [Odd({1, 2}), Odd(object()), Odd(np.array(["text"])), Odd(np.array([object()]))]
)
def test_other_types_are_refused(value: Odd) -> None:
    with pytest.raises(TypeError, match="cannot be packed"):
        Packing().pack(value)


def test_an_array_of_objects_is_not_read() -> None:
    with pytest.raises(ValueError, match="an array of object is not read"):
        Unpacking(b"\0" * 8).unpack(np.ndarray[Any, Any], [0, "|O", [1]])
