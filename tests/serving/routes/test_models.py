"""Changing what is served over the interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.models.store import save_bundle
from serving.record import DeploymentRecord
from tests.fake_bundle import NAME, VERSION, encode_image, solid_image, write_fake_bundle
from tests.serving.conftest import MakeClient

pytestmark = pytest.mark.unit

OTHER = "20260202-120000-0badcafe"


@pytest.fixture
def two_versions(tmp_path: Path) -> None:
    """Two versions in the store."""
    for version, scale in ((VERSION, 10.0), (OTHER, 20.0)):
        folder = tmp_path / f"made-{version}"
        save_bundle(folder, write_fake_bundle(folder, version=version, scale=scale), {})


@pytest.mark.usefixtures("two_versions")
def test_a_version_is_activated_and_rolled_back(client: TestClient) -> None:
    first = client.put("/model", json={"name": NAME, "version": VERSION})
    assert first.status_code == 200, first.text
    second = client.put("/model", json={"name": NAME, "version": OTHER}).json()
    assert second["model"] == {"name": NAME, "version": OTHER}
    assert second["previous"] == {"name": NAME, "version": VERSION}
    assert second["generation"] == first.json()["generation"] + 1
    image = encode_image(solid_image("red"))
    answer = client.post("/predict", files={"image": ("a.png", image)}).json()
    assert answer["model"]["version"] == OTHER
    listed = client.get("/models").json()["models"]
    assert {each["version"]: each["is_active"] for each in listed} == {VERSION: False, OTHER: True}
    back = client.post("/model/rollback")
    assert back.json()["model"]["version"] == VERSION
    assert client.get("/model").json()["version"] == VERSION


@pytest.mark.usefixtures("two_versions")
def test_every_change_is_written_down(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(client.worker.log, "put", kept.append)  # type: ignore[attr-defined]
    client.put("/model", json={"name": NAME, "version": OTHER})
    client.put("/model", json={"name": NAME, "version": "no-such-version"})
    done, refused = [each for each in kept if isinstance(each, DeploymentRecord)]
    assert (done.action, done.outcome) == ("activate", "done")
    assert (done.model_name, done.model_version) == (NAME, OTHER)
    assert (refused.outcome, refused.model_version) == ("refused", "no-such-version")
    assert refused.generation == done.generation
    assert "no-such-version" in refused.detail
    assert done.deployment_id != refused.deployment_id


@pytest.mark.usefixtures("two_versions")
@pytest.mark.parametrize(
    ("choice", "status"),
    [
        ({"name": NAME, "version": "no-such-version"}, 404),
        ({"name": "../../etc", "version": "passwd"}, 400),
        ({"name": "http://evil", "version": "v1"}, 400),
        ({"name": NAME, "version": "s3://evil"}, 400),
        ({"name": NAME}, 422),
    ],
)
def test_mu07_only_names_of_the_store_are_taken(
    client: TestClient, choice: dict[str, str], status: int
) -> None:
    response = client.put("/model", json=choice)
    assert response.status_code == status, response.text
    assert client.get("/model").json()["version"] == VERSION


def test_without_an_earlier_version_there_is_no_way_back(client: TestClient) -> None:
    response = client.post("/model/rollback")
    assert response.status_code == 409
    assert response.json()["type"] == "/problems/conflict"


def test_only_the_admin_key_changes_the_model(make_client: MakeClient) -> None:
    client = make_client(require_keys="yes", api_key="user-key", admin_key="admin-key")
    choice = {"name": NAME, "version": VERSION}
    assert client.put("/model", json=choice).status_code == 401
    user = {"X-API-Key": "user-key"}
    assert client.get("/model", headers=user).status_code == 200
    assert client.put("/model", json=choice, headers=user).status_code == 401
    admin = {"Authorization": "Bearer admin-key"}
    assert client.put("/model", json=choice, headers=admin).status_code == 404
