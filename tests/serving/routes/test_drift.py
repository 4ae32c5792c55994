"""``GET /drift``, the verdict beside an answer, and what a failing detector costs a prediction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.drift.verdict import Checked
from serving.log.images import is_chosen
from serving.models import State
from serving.schema import DriftExample
from serving.worker import Worker
from tests.drift_bundle import make_images, write_drift_bundle
from tests.fake_bundle import NAME, VERSION, encode_image
from tests.serving.conftest import client_of
from tests.serving.drift.samples import wait_until
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MakeService = Callable[..., TestClient]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ServingModel:
    folder = tmp_path_factory.mktemp("drift") / "bundle"
    write_drift_bundle(folder)
    return ServingModel.load(folder)


@pytest.fixture
def make_service(make_worker: Callable[..., Worker], model: ServingModel) -> Iterator[MakeService]:
    """Makes clients of a service whose drift check runs."""
    made: list[Worker] = []

    def make(**settings: object) -> TestClient:
        worker = make_worker(**settings)
        worker.host.state = State(model)
        worker.drift.follow(model)
        worker.drift.start()
        made.append(worker)
        return client_of(worker)

    yield make
    for worker in made:
        worker.drift.stop()


def send(client: TestClient, n: int, shift: float = 0.0) -> list[dict[str, Any]]:
    """Sends images, none of which may fail, and returns the answers."""
    answers = [
        client.post("/predict", files={"image": ("a.png", encode_image(image))})
        for image in make_images(n, seed=3, shift=shift)
    ]
    assert {each.status_code for each in answers} == {200}
    return [each.json() for each in answers]


def wait_for(client: TestClient, status: str) -> dict[str, Any]:
    def is_there() -> bool:
        return bool(client.get("/drift").json()["verdict"]["status"] == status)

    wait_until(is_there, status)
    return dict(client.get("/drift").json())


def metric(client: TestClient, name: str) -> float:
    page = client.worker.metrics.page()[0].decode()  # type: ignore[attr-defined]
    (line,) = [each for each in page.splitlines() if each.startswith(f"visionstack_{name} ")]
    return float(line.split()[1])


def test_before_the_first_check(make_service: MakeService) -> None:
    client = make_service()
    assert send(client, 1)[0]["drift"] == {"status": "unknown", "checked_at": None, "n_images": 0}
    wait_until(lambda: client.get("/drift").json()["n_waiting"] == 1)
    report = client.get("/drift").json()
    assert report["model"] == {"name": NAME, "version": VERSION}
    assert (report["window"], report["every_n"]) == (100, 10)
    assert (report["views"], report["history"], report["since"]) == ({}, [], None)
    assert report["detail"] == "No check has been made yet."
    assert report["alarm_rate"] == 0.05
    assert report["false_alarms"] == (
        "Without drift, about 1 check in 20 finds some (1 per 1 days at 200 images per day were "
        "allowed when the model was made)."
    )


def test_drift_is_told_view_by_view_with_examples(make_service: MakeService) -> None:
    client = make_service(log_images=0.5)
    answers = send(client, 30, shift=60)
    report = wait_for(client, "drift")
    assert {"uae", "properties"} <= set(report["moved"])
    view = report["views"]["properties"]
    assert view["p_value"] < view["threshold"]
    assert (view["is_drift"], view["detector"], view["column"] != "") == (True, "ks", True)
    assert len(report["tests"]) >= 5
    assert report["history"][-1]["status"] == "drift"
    assert set(report["history"][-1]["views"]) == set(report["views"])
    assert report["since"] == report["verdict"]["checked_at"]
    ids = {each["request_id"] for each in answers}
    assert {each["request_id"] for each in report["examples"]} <= ids
    for each in report["examples"]:
        assert each["image"] == is_chosen(each["request_id"], 0.5)
    assert send(client, 1)[0]["drift"]["status"] == "drift"
    assert metric(client, "drift_status") == 3


def test_se01_examples_are_for_the_admin_key_where_keys_are_needed(
    make_service: MakeService, model: ServingModel
) -> None:
    client = make_service(require_keys="auto", api_key="user", admin_key="admin", drift="off")
    drift = client.worker.drift  # type: ignore[attr-defined]
    example = DriftExample(request_id="of-another-caller", time=AT, view="uae", distance=9.0)
    drift.is_on = True
    drift.last = Checked(key=(NAME, VERSION), examples=(example,))
    found = client.get("/drift", headers={"X-API-Key": "user"})
    assert found.status_code == 200
    assert "of-another-caller" not in found.text
    assert found.json()["examples"] == []
    assert found.json()["examples_detail"] == (
        "Unusual predictions are requests of all callers, so they are listed for the admin key "
        "only (VISIONSTACK_ADMIN_KEY)."
    )
    found = client.get("/drift", headers={"X-API-Key": "admin"})
    assert [each["request_id"] for each in found.json()["examples"]] == ["of-another-caller"]
    assert found.json()["examples_detail"] == ""
    assert client.get("/drift").status_code == 401


def test_examples_are_for_all_where_no_key_is_needed(
    make_service: MakeService, model: ServingModel
) -> None:
    client = make_service(drift="off")
    drift = client.worker.drift  # type: ignore[attr-defined]
    example = DriftExample(request_id="one", time=AT, view="uae", distance=9.0)
    drift.is_on = True
    drift.last = Checked(key=(NAME, VERSION), examples=(example,))
    report = client.get("/drift").json()
    assert [each["request_id"] for each in report["examples"]] == ["one"]
    assert report["examples_detail"] == ""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("raise", "RuntimeError: the detector was told to fail"),
        ("nan", "both must be finite"),
        ("hang", "the detectors did not end within 1 s"),
        ("exit", "the checking process ended with 139"),
    ],
)
def test_dr01_a_failing_detector_costs_no_prediction(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", fault)
    client = make_service(drift_timeout_s=1)
    send(client, 30)
    report = wait_for(client, "error")
    assert said in report["detail"]
    assert report["history"][-1]["status"] == "error"
    (answer,) = send(client, 1)
    assert answer["drift"]["status"] == "error"
    assert metric(client, "drift_errors_total") >= 1
    assert metric(client, "drift_status") == 2
    assert client.get("/readyz").json()["status"] == "ready"


def test_dr01_what_it_finds_is_in_the_log(make_service: MakeService, home: Path) -> None:
    client = make_service()
    send(client, 30)
    wait_for(client, "ok")
    client.worker.log.stop()  # type: ignore[attr-defined]
    connection = sqlite3.connect(home / "logs/service/predictions.sqlite")
    query = "select status, n_images, detail from drift_checks"
    status, n_images, detail = connection.execute(query).fetchone()
    connection.close()
    assert (status, n_images >= 20) == ("ok", True)
    assert json.loads(detail)["uae"]["is_drift"] is False


def test_the_verdict_on_another_version_is_not_shown(make_service: MakeService) -> None:
    client = make_service(drift="off")
    worker = client.worker  # type: ignore[attr-defined]
    said = "The drift check is switched off (VISIONSTACK_DRIFT=off)."
    assert client.get("/drift").json()["detail"] == said
    worker.drift.is_on = True
    worker.drift.last = Checked(key=(NAME, "another")).failed("broken", AT, 0, 0)
    assert client.get("/drift").json()["verdict"]["status"] == "unknown"
