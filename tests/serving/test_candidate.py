"""A candidate beside the active model: shares, shadows, and what ends a trial."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.models.candidate import Candidate, candidate_path, read_candidate
from serving.record import DeploymentRecord, PredictionRecord
from tests.fake_bundle import NAME, VERSION, encode_image, expected_probabilities, solid_image
from tests.serving.conftest import MakeClient
from tests.serving.models.versions import promote, store_version

pytestmark = pytest.mark.unit

NEW = "v2"
RED = solid_image("red")
IMAGE = encode_image(RED)
SCALES = {VERSION: 10.0, NEW: 4.0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


@pytest.fixture
def kept(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Everything that goes to the log of a service with a second version in its store."""
    found: list[Any] = []
    store_version(NEW, scale=SCALES[NEW])
    worker = client.worker  # type: ignore[attr-defined]

    def put(record: Any) -> bool:
        found.append(record)
        return True

    monkeypatch.setattr(worker.log, "put", put)
    monkeypatch.setattr(worker.shadow, "_put", put)
    worker.shadow.start()
    yield found
    worker.shadow.stop()


def _try(client: TestClient, mode: str, share: float, version: str = NEW) -> Any:
    choice = {"name": NAME, "version": version, "mode": mode, "share": share}
    return client.put("/model/candidate", json=choice)


def _ask(client: TestClient, request_id: str = "") -> dict[str, Any]:
    headers = {"X-Request-ID": request_id} if request_id else {}
    response = client.post("/predict", files={"image": ("a.png", IMAGE)}, headers=headers)
    assert response.status_code == 200, response.text
    return dict(response.json())


def _predictions(kept: list[Any]) -> list[PredictionRecord]:
    return [each for each in kept if isinstance(each, PredictionRecord)]


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def _counts(client: TestClient) -> dict[str, float]:
    lines = client.worker.metrics.page()[0].decode().splitlines()  # type: ignore[attr-defined]
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line[0] != "#"
    }


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_a_share_is_a_share_of_the_ids(share: float) -> None:
    candidate = _candidate(share)
    n = 20_000
    chosen = [f"{number:032x}" for number in range(n) if candidate.has(f"{number:032x}")]
    # Four standard deviations of a binomial count.
    assert abs(len(chosen) - n * share) < 4 * math.sqrt(n * share * (1 - share))
    assert all(candidate.has(each) for each in chosen)
    # Whoever is in a share is in every larger one.
    assert all(_candidate(min(1.0, share * 1.1)).has(each) for each in chosen)
    assert all(_candidate(1.0).has(each) for each in chosen)


def _candidate(share: float) -> Candidate:
    return Candidate(
        name=NAME, version=NEW, bento_model=f"{NAME}:{NEW}", mode="canary", share=share
    )


@pytest.mark.usefixtures("kept")
def test_a_canary_answers_its_share_and_says_so(client: TestClient) -> None:
    assert _try(client, "canary", 0.5).status_code == 200
    answers = [_ask(client) for _ in range(120)]
    assert {each["model"]["version"] for each in answers} == {VERSION, NEW}
    n_new = sum(each["model"]["version"] == NEW for each in answers)
    assert abs(n_new - 60) < 4 * math.sqrt(120 * 0.25)
    for each in answers:
        expected = expected_probabilities(RED, SCALES[each["model"]["version"]])
        assert each["probabilities"]["red"] == pytest.approx(expected[0], abs=1e-5)
        candidate = read_candidate()
        assert candidate is not None
        assert candidate.has(each["request_id"]) == (each["model"]["version"] == NEW)
    counts = _counts(client)
    assert counts['visionstack_answers_total{outcome="ok",role="candidate"}'] == n_new
    assert counts['visionstack_answers_total{outcome="ok",role="active"}'] == 120 - n_new
    assert counts['visionstack_answer_seconds_count{role="candidate"}'] == n_new
    name = f'visionstack_candidate_share{{mode="canary",name="{NAME}",version="{NEW}"}}'
    assert counts[name] == 0.5


@pytest.mark.usefixtures("kept")
def test_a_batch_is_answered_by_one_model(client: TestClient) -> None:
    assert _try(client, "canary", 0.5).status_code == 200
    seen = set()
    for _ in range(30):
        files = [("images", ("a.png", IMAGE))] * 6
        answer = client.post("/predict_batch", files=files).json()
        versions = {each["answer"]["model"]["version"] for each in answer["entries"]}
        assert len(versions) == 1
        seen |= versions
    assert seen == {VERSION, NEW}


def test_the_drift_check_is_about_the_active_model(client: TestClient, kept: list[Any]) -> None:
    worker = client.worker  # type: ignore[attr-defined]
    before = len(worker.drift._waiting)
    _try(client, "canary", 1.0)
    assert _ask(client)["model"]["version"] == NEW
    assert _ask(client)["drift"]["status"] == "unknown"
    assert len(worker.drift._waiting) == before
    assert {each.model_version for each in _predictions(kept)} == {NEW}
    client.delete("/model/candidate")
    _ask(client)
    assert len(worker.drift._waiting) == before + 1


def test_in_the_shadow_both_are_written_down_and_one_answers(
    client: TestClient, kept: list[Any]
) -> None:
    assert _try(client, "shadow", 1.0).json()["candidate"]["mode"] == "shadow"
    answers = [_ask(client) for _ in range(5)]
    assert {each["model"]["version"] for each in answers} == {VERSION}
    _wait(lambda: len(_predictions(kept)) == 10)
    by_id = {each.request_id: each for each in _predictions(kept)}
    for answer in answers:
        active, shadow = by_id[answer["request_id"]], by_id[f"{answer['request_id']}-shadow"]
        assert (active.model_version, shadow.model_version) == (VERSION, NEW)
        assert shadow.pixels is active.pixels
        expected = expected_probabilities(RED, SCALES[NEW])
        assert shadow.probabilities.tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    _wait(lambda: _counts(client).get('visionstack_answers_total{outcome="ok",role="shadow"}') == 5)
    shown = f'visionstack_predictions_total{{label="red",model="{NAME}"}}'
    assert _counts(client)[shown] == 5


def test_a_shadow_that_fails_is_counted_and_nobody_sees_it(
    client: TestClient, kept: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _try(client, "shadow", 1.0)
    model = client.worker.trials.trial.model  # type: ignore[attr-defined]
    monkeypatch.setattr(type(model), "predict", _failing(model, type(model).predict))
    for _ in range(3):
        assert _ask(client)["model"]["version"] == VERSION
    name = 'visionstack_answers_total{outcome="error",role="shadow"}'
    _wait(lambda: _counts(client).get(name) == 3)
    assert {each.model_version for each in _predictions(kept)} == {VERSION}


def _failing(broken: Any, predict: Callable[..., Any]) -> Callable[..., Any]:
    def fail(self: Any, images: Any) -> Any:
        if self is broken:
            raise RuntimeError("planted")
        return predict(self, images)

    return fail


def test_a_shadow_that_is_behind_drops_images(client: TestClient, kept: list[Any]) -> None:
    worker = client.worker  # type: ignore[attr-defined]
    worker.shadow.stop()
    _try(client, "shadow", 1.0)
    for _ in range(40):
        _ask(client)
    name = 'visionstack_answers_total{outcome="dropped",role="shadow"}'
    assert _counts(client)[name] == 40 - 32
    assert len(_predictions(kept)) == 40


@pytest.mark.usefixtures("kept")
def test_a_canary_that_fails_is_counted_as_its_own(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _try(client, "canary", 1.0)
    model = client.worker.trials.trial.model  # type: ignore[attr-defined]
    monkeypatch.setattr(type(model), "predict", _failing(model, type(model).predict))
    assert client.post("/predict", files={"image": ("a.png", IMAGE)}).status_code == 500
    counts = _counts(client)
    assert counts['visionstack_answers_total{outcome="error",role="candidate"}'] == 1
    assert 'visionstack_answers_total{outcome="error",role="active"}' not in counts


def test_what_is_tried_is_shown_and_written_down(client: TestClient, kept: list[Any]) -> None:
    assert client.get("/model").json()["candidate"] is None
    changed = _try(client, "canary", 0.25).json()
    assert changed["model"] == {"name": NAME, "version": VERSION}
    shown = client.get("/model").json()["candidate"]
    assert shown == changed["candidate"]
    assert (shown["version"], shown["mode"], shown["share"]) == (NEW, "canary", 0.25)
    listed = client.get("/models").json()["models"]
    assert {each["version"]: each["is_candidate"] for each in listed} == {NEW: True}
    ended = client.delete("/model/candidate")
    assert (ended.status_code, ended.json()["candidate"]) == (200, None)
    assert client.delete("/model/candidate").status_code == 200
    assert not candidate_path().exists()
    noted = [each for each in kept if isinstance(each, DeploymentRecord)]
    assert [(each.action, each.model_version, each.outcome) for each in noted] == [
        ("canary", NEW, "done"),
        ("end", NEW, "done"),
    ]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"version": "no-such-version"}, 404),
        ({"version": "../../etc"}, 400),
        ({"version": VERSION}, 409),
        ({"name": "other"}, 409),
        ({"share": 0.0}, 422),
        ({"share": 1.5}, 422),
        ({"mode": "both"}, 422),
        ({"for_s": 0}, 422),
        ({"for_s": 1e9}, 422),
    ],
)
def test_what_cannot_be_tried_changes_nothing(
    client: TestClient, change: dict[str, Any], status: int
) -> None:
    _try(client, "canary", 0.25)
    before = candidate_path().read_bytes()
    choice = {"name": NAME, "version": NEW, "mode": "shadow", "share": 0.1} | change
    response = client.put("/model/candidate", json=choice)
    assert response.status_code == status, response.text
    assert candidate_path().read_bytes() == before
    assert client.get("/model").json()["candidate"]["mode"] == "canary"


def test_a_damaged_candidate_is_refused_and_the_one_before_stays(
    client: TestClient, kept: list[Any]
) -> None:
    _try(client, "canary", 1.0)
    (store_version("v3") / "serving.onnx").write_bytes(b"x")
    response = _try(client, "canary", 1.0, "v3")
    assert response.status_code == 422
    assert _ask(client)["model"]["version"] == NEW
    refused = [each for each in kept if isinstance(each, DeploymentRecord)][-1]
    assert (refused.outcome, refused.model_version) == ("refused", "v3")


@pytest.mark.usefixtures("kept")
def test_activating_the_candidate_ends_it(client: TestClient) -> None:
    _try(client, "canary", 0.5)
    done = client.put("/model", json={"name": NAME, "version": NEW})
    assert done.status_code == 200
    assert not candidate_path().exists()
    assert client.get("/model").json()["candidate"] is None
    assert {_ask(client)["model"]["version"] for _ in range(20)} == {NEW}
    assert client.worker.trials._trial is None  # type: ignore[attr-defined]


@pytest.mark.usefixtures("kept")
def test_a_canary_stays_where_another_version_is_activated(client: TestClient) -> None:
    store_version("v3", scale=7.0)
    _try(client, "canary", 0.5)
    client.put("/model", json={"name": NAME, "version": "v3"})
    assert client.get("/model").json()["candidate"]["version"] == NEW
    assert {_ask(client)["model"]["version"] for _ in range(40)} == {"v3", NEW}


@pytest.mark.usefixtures("kept")
def test_other_workers_follow_the_pointer(client: TestClient, make_client: MakeClient) -> None:
    other = make_client()
    promote(VERSION, scale=SCALES[VERSION])
    trials = other.worker.trials  # type: ignore[attr-defined]
    trials.look()
    assert trials.trial is None
    _try(client, "canary", 1.0)
    trials.look()
    assert _ask(other)["model"]["version"] == NEW
    model = trials.trial.model
    _try(client, "shadow", 0.5)
    trials.look()
    assert (trials.trial.candidate.mode, trials.trial.model is model) == ("shadow", True)
    client.delete("/model/candidate")
    trials.look()
    assert trials.trial is None


@pytest.mark.usefixtures("kept")
def test_a_worker_that_cannot_load_it_answers_with_the_active_model(
    client: TestClient, make_client: MakeClient
) -> None:
    other = make_client()
    _try(client, "canary", 1.0)
    (store_version(NEW, scale=SCALES[NEW]) / "serving.onnx").write_bytes(b"x")
    other.worker.trials.look()  # type: ignore[attr-defined]
    shown = other.get("/model").json()["candidate"]
    assert "serving.onnx" in shown["detail"]
    assert _ask(other)["model"]["version"] == VERSION


@pytest.mark.usefixtures("kept")
def test_a_champion_that_is_promoted_ends_its_own_trial(client: TestClient) -> None:
    _try(client, "canary", 1.0)
    promote(NEW, scale=SCALES[NEW])
    client.worker.trials.look()  # type: ignore[attr-defined]
    assert not candidate_path().exists()


def test_a_damaged_pointer_tries_nothing(client: TestClient) -> None:
    candidate_path().parent.mkdir(parents=True)
    candidate_path().write_text(json.dumps({"name": NAME}))
    client.worker.trials.look()  # type: ignore[attr-defined]
    assert _ask(client)["model"]["version"] == VERSION


def test_se01_only_the_admin_key_sets_a_candidate(make_client: MakeClient) -> None:
    client = make_client(require_keys="yes", api_key="user-key", admin_key="admin-key")
    choice = {"name": NAME, "version": NEW, "mode": "canary"}
    user = {"X-API-Key": "user-key"}
    assert client.put("/model/candidate", json=choice, headers=user).status_code == 401
    assert client.delete("/model/candidate", headers=user).status_code == 401
    admin = {"X-API-Key": "admin-key"}
    assert client.put("/model/candidate", json=choice, headers=admin).status_code == 404


def test_a_pinned_service_tries_nothing(
    client: TestClient, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_version(NEW)
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(bundle))
    assert _try(client, "canary", 0.5).status_code == 409
