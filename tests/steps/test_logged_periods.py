"""Periods read from a real log: what is in them, what is left out, and how much is held."""

from __future__ import annotations

import gc
import sqlite3
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from serving.log.errors import LogError
from serving.record import SHADOW
from steps import logged_periods
from steps.logged_periods import Asked, count_new_labels, find_bundle, read_traffic
from tests.drift_bundle import make_images
from tests.fake_bundle import CLASSES, VERSION
from tests.monitored import log_predictions, store_drift_bundle
from vision.bundles.load import ServingModel
from vision.drift.names import PROPERTIES
from vision.images.measure import NUMERIC
from vision.monitoring.simulated import is_simulated, mark
from vision.monitoring.traffic import BrokenRows

pytestmark = pytest.mark.integration

NAME = "periods"
OLDER = "20250101-000000-00000000"
UNTIL = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> ServingModel:
    return store_drift_bundle(tmp_path_factory.mktemp("bundle") / "it", name=NAME)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.sqlite'}"


def asked(**changes: object) -> Asked:
    values = {
        "name": NAME,
        "version": None,
        "since": UNTIL - timedelta(days=7),
        "until": UNTIL,
        "n_most": 1000,
        "n_newest": 20,
        "seed": 0,
    }
    return Asked(**(values | changes))  # type: ignore[arg-type]


def log(address: str, serving: ServingModel, n: int, **changes: object) -> np.ndarray:
    images = make_images(n, seed=n)
    last = UNTIL - timedelta(minutes=1)
    log_predictions(address, serving, images, last=last, name=NAME, **changes)  # type: ignore[arg-type]
    return images


def test_the_newest_rows_are_what_the_model_gave(address: str, serving: ServingModel) -> None:
    images = log(address, serving, 150, true_labels=["red", None, "teal"])
    [version] = read_traffic(asked(), address).versions
    period = version.period
    assert (version.version, version.n_left_out, version.problem) == (VERSION, 0, "")
    assert (period.n, period.last) == (150, UNTIL - timedelta(minutes=1))
    # As many as the detectors of the bundle compare, oldest first.
    output = serving.predict(images[-100:])
    assert np.array_equal(period.newest.uae, output.embedding_uae)
    assert np.array_equal(period.newest.penultimate, output.embedding_penultimate)
    assert np.array_equal(period.newest.classes, output.probabilities.argmax(axis=1))
    red = period.newest.properties[:, PROPERTIES.index("red_mean")]
    assert red[-1] == pytest.approx(images[-1, ..., 0].mean() / 255)
    assert list(period.properties.columns) == list(NUMERIC)
    assert (period.properties["n_bytes"] == 200).all()
    assert period.outcomes.n_labelled == 2
    assert period.outcomes.unknown == {"teal": 1}


def test_the_period_and_the_number_are_bounds(address: str, serving: ServingModel) -> None:
    log(address, serving, 60)
    early = asked(since=UNTIL - timedelta(minutes=30), n_most=1000)
    assert read_traffic(early, address).versions[0].period.n == 30
    few = read_traffic(asked(n_most=10), address).versions[0].period
    assert (few.n, few.last) == (10, UNTIL - timedelta(minutes=1))
    nothing = read_traffic(asked(until=UNTIL - timedelta(days=1)), address)
    assert nothing.versions == ()
    assert nothing.note == (
        "the log has no prediction of periods between 2026-01-24 12:00 and 2026-01-30 12:00 UTC"
    )
    other = read_traffic(asked(name="nobody"), address)
    assert other.note.startswith("the log has no prediction of nobody between")


def test_versions_are_apart_the_newest_first(address: str, serving: ServingModel) -> None:
    log(address, serving, 30, version=OLDER, prefix="o")
    log(address, serving, 40)
    newest, older = read_traffic(asked(), address).versions
    assert (newest.version, newest.period.n, newest.problem) == (VERSION, 40, "")
    assert (older.version, older.period.n) == (OLDER, 30)
    assert older.problem.startswith(f"model '{NAME}:{OLDER}' is not in the BentoML model store")
    [alone] = read_traffic(asked(version=OLDER), address).versions
    assert alone.version == OLDER


def test_what_was_said_in_the_shadow_is_in_no_period(address: str, serving: ServingModel) -> None:
    log(address, serving, 30, suffix=SHADOW, true_labels=["red"] * 10)
    nothing = read_traffic(asked(), address)
    assert nothing.versions == ()
    assert nothing.note.startswith("the log has no prediction of periods between")
    assert count_new_labels(NAME, VERSION, None, address) == 0

    log(address, serving, 40, prefix=mark()[:41], true_labels=["red"] * 8)
    [version] = read_traffic(asked(), address).versions
    assert (version.period.n, version.n_simulated, version.period.outcomes.n_labelled) == (
        40, 40, 8,
    )  # fmt: skip
    assert count_new_labels(NAME, VERSION, None, address) == 8


def test_a_version_that_was_replaced_says_until_when_it_was_served(
    address: str, serving: ServingModel
) -> None:
    images, ended = make_images(30, seed=1), UNTIL - timedelta(days=2)
    log_predictions(address, serving, images, last=ended, name=NAME, version=OLDER, prefix="o")
    log(address, serving, 40)
    newest, older = read_traffic(asked(), address).versions
    assert (newest.version, newest.served_until) == (VERSION, None)
    assert (older.version, older.served_until) == (OLDER, ended)
    # Nothing replaces a version that is looked at by itself.
    [alone] = read_traffic(asked(version=OLDER), address).versions
    assert alone.served_until is None


def test_a_version_that_is_silent_is_not_opened(
    address: str, serving: ServingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_predictions(
        address, serving, make_images(5), last=UNTIL - timedelta(days=30), name=NAME,
        version=OLDER, prefix="o",
    )  # fmt: skip
    log(address, serving, 40)
    opened: list[str] = []

    def find(name: str, version: str) -> Path:
        opened.append(version)
        return find_bundle(name, version)

    monkeypatch.setattr(logged_periods, "find_bundle", find)
    [version] = read_traffic(asked(), address).versions
    assert (version.version, opened) == (VERSION, [VERSION])


def test_half_rows_are_counted_and_left_out(address: str, serving: ServingModel) -> None:
    log(address, serving, 40)
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        for change in (
            "embedding_penultimate = NULL WHERE request_id < 'r000010'",
            "brightness = NULL WHERE request_id >= 'r000030'",
        ):
            connection.execute(f"UPDATE predictions SET {change}")
    [version] = read_traffic(asked(), address).versions
    assert (version.n_left_out, version.period.n) == (10, 30)
    assert version.period.n_measured == 20
    assert np.isfinite(version.period.newest.penultimate).all()
    assert np.isnan(version.period.newest.properties[-1]).any()


@pytest.mark.fault
def test_rows_that_are_not_finite_are_counted_by_themselves(
    address: str, serving: ServingModel
) -> None:
    log(address, serving, 140)
    nan = np.full(3, np.nan, "<f4").tobytes()
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        for rows in ("< 'r000005'", ">= 'r000130'"):
            connection.execute(
                f"UPDATE predictions SET probabilities = ? WHERE request_id {rows}", (nan,)
            )
    [version] = read_traffic(asked(), address).versions
    assert (version.period.n, version.n_left_out, version.problem) == (125, 0, "")
    # The detectors of the bundle compare 100.
    assert version.broken == BrokenRows(15, 10, 110)


@pytest.mark.fault
def test_a_model_that_answers_nothing_finite_is_there(address: str, serving: ServingModel) -> None:
    log(address, serving, 60)
    nan = np.full(3, np.nan, "<f4").tobytes()
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE predictions SET probabilities = ?", (nan,))
    [version] = read_traffic(asked(), address).versions
    assert (version.period.n, version.broken) == (0, BrokenRows(60, 60, 60))


def test_predictions_with_other_classes_than_the_bundle_are_named(
    address: str, serving: ServingModel
) -> None:
    log(address, serving, 40)
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        connection.execute("""UPDATE models SET classes = '["x", "y", "z"]'""")
    [version] = read_traffic(asked(), address).versions
    assert f"with the classes x, y, z, and its bundle has {', '.join(CLASSES)}" in version.problem


def test_a_log_that_is_not_there_is_no_traffic_and_one_of_others_an_error(
    address: str, tmp_path: Path
) -> None:
    traffic = read_traffic(asked(), address)
    assert (traffic.versions, traffic.note[:33]) == ((), "there is no prediction log at sql")
    (tmp_path / "log.sqlite").touch()
    with pytest.raises(LogError, match="has the form None, and this program reads '0002'"):
        read_traffic(asked(), address)


def test_feedback_of_simulations_counts_only_where_nothing_else_is(
    address: str, serving: ServingModel
) -> None:
    marked = mark()[:41]
    log(address, serving, 40, prefix=marked, true_labels=["red"] * 10)
    [version] = read_traffic(asked(), address).versions
    assert (version.n_simulated, version.period.n) == (40, 40)
    assert version.period.outcomes.n_labelled == 10
    assert count_new_labels(NAME, VERSION, None, address) == 10

    log(address, serving, 60, prefix="u", true_labels=["red", "teal"])
    [version] = read_traffic(asked(), address).versions
    assert (version.n_simulated, version.period.n) == (40, 100)
    assert version.period.outcomes.n_labelled == 2
    assert sum(day.n_labelled for day in version.period.days) == 2
    assert not any(
        each.true_labels for each in version.period.candidates if is_simulated(each.request_id)
    )
    assert count_new_labels(NAME, VERSION, None, address) == 2
    # What else there is, is no part of this period.
    older = datetime.now(UTC) + timedelta(days=1)
    assert count_new_labels(NAME, VERSION, older, address) == 0


def test_labels_are_new_by_when_people_said_so(address: str, serving: ServingModel) -> None:
    """Feedback of an earlier day on a newer prediction, and a correction of what was said."""
    log(address, serving, 30, true_labels=["red"] * 20)
    start = UNTIL + timedelta(days=3)
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        for time, rows in (
            (start - timedelta(minutes=1), "< 'r000012'"),
            (start, "= 'r000012'"),
            (start + timedelta(microseconds=1), "> 'r000012'"),
        ):
            when = time.replace(tzinfo=None).isoformat(" ", "microseconds")
            connection.execute(f"UPDATE feedback SET time = '{when}' WHERE request_id {rows}")
    assert count_new_labels(NAME, VERSION, None, address) == 20
    assert count_new_labels(NAME, VERSION, start, address) == 7
    assert count_new_labels(NAME, OLDER, start, address) == 0


def test_memory_does_not_grow_with_the_number(address: str, serving: ServingModel) -> None:
    for start in range(4):
        last = UNTIL - timedelta(days=start, minutes=1)
        images = make_images(1500, seed=start)
        log_predictions(address, serving, images, last=last, name=NAME, prefix=f"{start}-")
    peaks = []
    for n_most in (2_500, 6_000):
        gc.collect()
        tracemalloc.start()
        [version] = read_traffic(asked(n_most=n_most), address).versions
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert version.period.n == n_most
    assert peaks[1] < 1.3 * peaks[0] + 1_000_000
