"""The monitoring pipeline on real logs: verdicts, exit codes, what is written, what is said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import run
from pipelines.report import RunReport
from serving.record import SHADOW
from serving.settings import ServiceSettings
from tests.drift_bundle import make_images
from tests.fake_bundle import VERSION
from tests.monitored import log_predictions, store_drift_bundle
from vision.bundles.load import ServingModel
from vision.config import JobConfig
from vision.errors import ConfigError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NAME = "monitored"
Watch = Callable[..., RunReport]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> ServingModel:
    """A version in the model store, with detectors."""
    return store_drift_bundle(tmp_path_factory.mktemp("bundle") / "it", name=NAME)


@pytest.fixture(scope="module", autouse=True)
def quick_stack() -> Any:
    """The stack without a tracker and without Deepchecks, for all tests but one."""
    from stacks import registry

    registry.apply(["ci"])


@pytest.fixture
def address(home: Path) -> str:
    """The database that the service of this home would write to; nothing is there yet."""
    return ServiceSettings().database_url


@pytest.fixture
def watch(home: Path) -> Watch:
    """Runs monitoring on this home; keywords are keys of its section."""

    def monitor(stack: str = "ci", **keys: Any) -> RunReport:
        from pipelines.launch import launch

        return launch(JobConfig.model_validate(values(**keys)), stack=stack)

    return monitor


def values(**keys: Any) -> dict[str, Any]:
    section = {"n_mmd": 100, "n_permutations": 100, **keys}
    return {
        "pipeline": "monitoring",
        "model": {"name": NAME, "input_size": [8, 8]},
        "monitoring": section,
    }


def test_images_like_those_of_the_reference_set_are_no_drift(
    watch: Watch, serving: ServingModel, address: str, home: Path
) -> None:
    log_predictions(address, serving, make_images(250, seed=3), name=NAME)
    report = watch()
    assert report.status == "completed", report.error
    assert report.monitoring is not None
    [version] = report.monitoring.versions
    assert (version.version, version.verdict, version.moved) == (VERSION, "ok", ())
    assert version.n_predictions == 250
    assert list(report.seconds) == [
        "read_predictions",
        "check_predictions",
        "check_properties",
        "report_monitoring",
        "tell_change",
    ]
    page = Path(report.monitoring.page)
    assert page.parent == home / "monitoring" / "reports" / NAME
    assert page.read_text() == (page.parent / "latest.html").read_text()
    assert "No drift" in page.read_text()


def test_other_images_are_drift_with_what_moved_and_a_review_batch(
    watch: Watch, serving: ServingModel, address: str, home: Path
) -> None:
    labels = ["green"] * 40
    images = make_images(250, seed=4, shift=40)
    log_predictions(address, serving, images, name=NAME, true_labels=labels)
    report = watch(on_drift="review")
    assert report.status == "drift", report.error
    assert run._EXIT_CODES[report.status] == 4
    assert report.monitoring is not None
    [version] = report.monitoring.versions
    assert version.verdict == "drift"
    assert {"uae", "properties"} <= set(version.moved)
    assert version.accuracy is not None
    table = Path(report.monitoring.review)
    assert table.parent.parent == home / "reviews"
    assert table.read_text().startswith("label,predicted,")
    summary = report.summary()
    assert "drift: 250 predictions, moved: uae" in summary
    assert report.to_json()["monitoring"]["versions"][0]["verdict"] == "drift"


@pytest.mark.fault
def test_drift_stays_drift_where_its_review_batch_cannot_be_written(
    watch: Watch, serving: ServingModel, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_predictions(address, serving, make_images(120, seed=4, shift=40), name=NAME)

    def fail(*_: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("steps.write_review._write", fail)
    report = watch(on_drift="review")
    assert run._EXIT_CODES[report.status] == 4
    assert report.monitoring is not None
    assert report.monitoring.review.startswith("not written: ")
    assert "No space left on device" in report.monitoring.review
    assert "No space left on device" in report.summary()


def test_history_goes_on_and_nothing_new_comes_from_the_cache(
    watch: Watch, serving: ServingModel, address: str, home: Path
) -> None:
    now = datetime.now(UTC)
    clean = make_images(100, seed=5)
    log_predictions(address, serving, clean, name=NAME, last=now - timedelta(hours=5))
    first = watch()
    dark = make_images(100, seed=6, shift=-40)
    log_predictions(address, serving, dark, name=NAME, prefix="s")
    second = watch()
    assert (first.status, second.status) == ("completed", "drift")
    history = home / "monitoring" / "reports" / NAME / "history.jsonl"
    entries = [json.loads(line) for line in history.read_text().splitlines()]
    assert [entry["verdict"] for entry in entries] == ["ok", "drift"]
    assert [entry["n_predictions"] for entry in entries] == [100, 200]
    assert second.monitoring is not None
    assert "Earlier runs" in Path(second.monitoring.page).read_text()


def test_no_traffic_and_no_log_are_verdicts(
    watch: Watch, serving: ServingModel, address: str
) -> None:
    never = watch()
    assert never.status == "completed", never.error
    assert never.monitoring is not None
    assert never.monitoring.verdict == "no_traffic"
    assert never.monitoring.note.startswith("there is no prediction log at sqlite:///")
    old = datetime.now(UTC) - timedelta(days=30)
    log_predictions(address, serving, make_images(60), name=NAME, last=old)
    report = watch(version=VERSION)
    assert report.monitoring is not None
    [version] = report.monitoring.versions
    assert (version.verdict, version.n_predictions) == ("no_traffic", 0)
    assert f"no prediction of {NAME} {VERSION} between" in report.monitoring.note


def test_too_few_is_a_verdict(watch: Watch, serving: ServingModel, address: str) -> None:
    log_predictions(address, serving, make_images(12), name=NAME)
    report = watch()
    assert report.status == "completed", report.error
    assert report.monitoring is not None
    assert report.monitoring.verdict == "too_few"


def test_a_version_that_is_gone_and_rows_of_older_releases_are_named(
    watch: Watch, serving: ServingModel, address: str
) -> None:
    log_predictions(address, serving, make_images(60), name=NAME)
    gone = "20250101-000000-00000000"
    log_predictions(address, serving, make_images(60), name=NAME, version=gone, prefix="g")
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        connection.execute(
            "UPDATE predictions SET embedding_penultimate = NULL WHERE request_id LIKE 'r%'"
        )
    report = watch()
    assert report.status == "failed"
    assert str(report.error).startswith(f"{NAME} {gone}: model '{NAME}:{gone}' is not in the ")
    assert report.monitoring is not None
    by_version = {each.version: each for each in report.monitoring.versions}
    assert by_version[gone].verdict == "error"
    old = by_version[VERSION]
    assert (old.verdict, old.n_predictions) == ("too_few", 0)
    assert old.problem.startswith("60 predictions could not be looked at: a release without the")


def test_a_version_that_was_replaced_ends_nothing_with_4(
    watch: Watch, serving: ServingModel, address: str
) -> None:
    """The camera drifted under one version, and the next was trained for it."""
    before, now = "20250101-000000-00000000", datetime.now(UTC)
    images = make_images(120, seed=4, shift=40)
    ended = now - timedelta(hours=9)
    old = {"name": NAME, "version": before, "prefix": "o"}
    log_predictions(address, serving, images, last=ended, **old)
    log_predictions(address, serving, make_images(60, seed=3), name=NAME)
    # What the next candidate says in the shadow.
    log_predictions(address, serving, images, name=NAME, version="next", suffix=SHADOW)
    report = watch(on_drift="review")
    assert (report.status, report.error) == ("completed", None)
    assert report.monitoring is not None
    served, replaced = report.monitoring.versions
    assert (served.version, served.verdict, served.served_until) == (VERSION, "ok", None)
    # Its bundle is gone, which nobody minds any more.
    assert (replaced.version, replaced.verdict) == (before, "error")
    assert replaced.served_until is not None
    assert abs(replaced.served_until - ended) < timedelta(seconds=1)
    assert f"it was served until {ended:%Y-%m-%d %H:%M} UTC" in report.summary()
    assert report.monitoring.review == ""


@pytest.mark.fault
def test_a_model_that_answers_nothing_but_nan_is_an_error(
    watch: Watch, serving: ServingModel, address: str
) -> None:
    log_predictions(address, serving, make_images(60), name=NAME)
    nan = np.full(3, np.nan, "<f4").tobytes()
    with sqlite3.connect(address.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE predictions SET probabilities = ?", (nan,))
    report = watch()
    assert report.status == "failed"
    assert str(report.error).startswith(
        f"{NAME} {VERSION}: 60 of the newest 60 predictions have vectors that are not finite"
    )


def test_a_log_that_cannot_be_read_is_an_error_with_the_next_move(
    watch: Watch, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(address.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    report = watch()
    assert report.status == "failed"
    assert str(report.error).startswith("step read_predictions: the prediction log at sqlite:///")
    assert "has the form None" in str(report.error)
    monkeypatch.setenv("VISIONSTACK_LOG_DATABASE", "postgresql://me:secret@127.0.0.1:9/x")
    report = watch()
    assert "postgresql://127.0.0.1:9/x does not answer" in str(report.error)
    assert "secret" not in json.dumps(report.to_json()) + str(report.error)


def test_an_alert_whose_variable_is_missing_is_refused_before_anything_runs(watch: Watch) -> None:
    with pytest.raises(ConfigError, match="the environment variable NO_SUCH_URL is not set"):
        watch(alerts=[{"kind": "webhook", "url_from": "NO_SUCH_URL"}])


def test_the_command_line_ends_with_4_on_the_stack_with_deepchecks(
    serving: ServingModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The stack's tracker belongs to the home of the session.
    address = f"sqlite:///{tmp_path / 'log.sqlite'}"
    monkeypatch.setenv("VISIONSTACK_LOG_DATABASE", address)
    log_predictions(address, serving, make_images(120, seed=7, shift=30), name=NAME)
    config, output = tmp_path / "monitor.yaml", tmp_path / "report.json"
    config.write_text(yaml.safe_dump(values()))
    command = ["--config", str(config), "--stack", "local", "--report", str(output)]
    assert run.main(command) == 4
    assert "moved: " in capsys.readouterr().out
    written = json.loads(output.read_text())
    assert written["status"] == "drift"
    assert written["tracking_run"]["id"]
    page = Path(written["monitoring"]["page"]).read_text()
    assert "feature_drift of deepchecks_tabular" in page
