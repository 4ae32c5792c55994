"""Roll-outs on the real service with two workers, asked 50 times a second: nobody notices."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore

from steps.promotion.promote import promote
from steps.promotion.rollback import roll_back
from steps.promotion.services import HttpService
from steps.rollout.roll_out import roll_out
from steps.rollout.service_client import ServiceClient, Version
from steps.rollout.try_beside import end_left_over, try_beside
from steps.rollout.watch import LEAST_REQUESTS, Rules
from tests.fake_bundle import INPUT_SIZE, NAME, encode_image
from tests.serving.models.running_service import Service, run_service
from tests.traffic import Traffic
from vision.bundles.champion import read_champion
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WHITE = encode_image(np.full((*INPUT_SIZE, 3), 255, np.uint8))
# What is bad is taken back as soon as it is seen, however long it might be watched.
UNTIL_SEEN = Rules(60.0, max_errors=0.01, max_slowdown=4.0)
V1, V2, SLOW, RAISING = (Version(NAME, version) for version in ("v1", "v2", "v3", "v4"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    environment = os.environ | {"BENTOML_HOME": str(tmp_path / "bentoml")}
    store = [sys.executable, "-m", "tests.steps.rollout.bad_versions", "v3=slow", "v4=raising"]
    subprocess.run(store, cwd=repository(), env=environment, check=True, timeout=120)
    with run_service(tmp_path, {"v1": 10.0, "v2": 8.0}, n_workers=2) as running:
        yield running


def test_mu03_no_request_fails_while_versions_come_and_go(service: Service) -> None:
    exchange(service, watch_s=3.0)


@pytest.mark.soak
def test_mu03_no_request_fails_in_a_longer_watch(service: Service) -> None:
    exchange(service, watch_s=60.0)


def test_mu03_a_bad_champion_is_taken_back_where_services_follow_it(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "service"))
    # However busy the machine: a service that is told a version does not follow any more.
    monkeypatch.setattr("steps.rollout.roll_out._FOLLOWS_WITHIN_S", 30.0)
    monkeypatch.setattr("steps.promotion.services._FOLLOWS_WITHIN_S", 30.0)
    monkeypatch.setattr("steps.promotion.services._AGREES_WITHIN_S", 60.0)
    BentoMLContainer.model_store.set(ModelStore(tmp_path / "bentoml" / "models"))
    client, traffic = ServiceClient(service.address), Traffic(service.address, WHITE)

    def take_back(reason: str) -> str:
        done = roll_back(NAME, "v1", [HttpService(service.address)], [])
        return "; ".join(each.problem for each in done.served if each.problem)

    try:
        with traffic.running():
            traffic.wait_for(LEAST_REQUESTS)
            promoted = promote(NAME, "v3", [])
            found = roll_out(SLOW, [client], UNTIL_SEEN, 60.0, promoted.former, take_back)
    finally:
        BentoMLContainer.model_store.reset()
    assert traffic.errors == []
    assert set(traffic.statuses) == {200}
    assert found.outcome == "rolled_back", found.sentence
    champion = read_champion(NAME)
    assert champion is not None
    assert champion.version == "v1"
    assert client.served() == V1
    assert traffic.versions.count("v3") > 10
    # It still follows: whoever is promoted next is served.
    assert not (tmp_path / "service" / "serving" / "active.json").exists()


KILLED = """
import sys
from steps.rollout import try_beside as module
from steps.rollout.service_client import ServiceClient, Version
from steps.rollout.watch import Rules
module._LOADS_WITHIN_S = 8.0
name, address = sys.argv[1:]
services, rules = [ServiceClient(address)], Rules(2.0, 1.0, 9.0)
module.try_beside(Version(name, "v2"), services, rules, "canary", 1.0)
"""


def test_mu03_the_canary_of_a_killed_trial_ends_by_itself(service: Service) -> None:
    client = ServiceClient(service.address)
    command = [sys.executable, "-c", KILLED, NAME, service.address]
    with subprocess.Popen(command, cwd=repository()) as trial:
        _wait_for(lambda: client.tried() == V2)
        trial.kill()
    shown: dict[str, str] = {}

    def is_shown() -> bool:
        # Each worker learns of it by itself, a moment later.
        shown.update(httpx.get(f"{service.address}/model").json()["candidate"] or {})
        return bool(shown)

    _wait_for(is_shown)
    since, until = (datetime.fromisoformat(shown[each]) for each in ("since", "until"))
    assert (until - since).total_seconds() == 10.0
    _wait_for(lambda: datetime.now(UTC) >= until)
    _wait_for(lambda: [client.tried() for _ in range(8)] == [None] * 8)
    traffic = Traffic(service.address, WHITE)
    with traffic.running():
        time.sleep(1.0)
    assert set(traffic.versions) == {"v1"}
    # One without an end in sight is ended by the next deployment.
    client.propose(NAME, "v2", "canary", 0.5, 3600.0)
    assert end_left_over(NAME, [client]) == (f"{service.address} tried {NAME} v2; ended",)
    _wait_for(lambda: [client.tried() for _ in range(8)] == [None] * 8)


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30.0
    while not is_so():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)


def exchange(service: Service, watch_s: float) -> None:
    """v2 comes in, a slow v3 is rolled back, v4 fails in the shadow, and v1 comes back."""
    client = ServiceClient(service.address)
    # A machine that halts for a moment makes nobody slow.
    rules = Rules(watch_s, max_errors=0.01, max_slowdown=1000.0)
    traffic = Traffic(service.address, WHITE)
    with traffic.running():
        traffic.wait_for(LEAST_REQUESTS)
        better = roll_out(V2, [client], rules, ready_s=30.0)
        slow = roll_out(SLOW, [client], UNTIL_SEEN, ready_s=30.0)
        assert client.served() == V2
        shadow = try_beside(RAISING, [client], UNTIL_SEEN, "shadow", 0.5)
        canary = try_beside(V1, [client], rules, "canary", 0.3)
        n_before = len(traffic.versions)
        back = roll_out(V1, [client], rules, ready_s=30.0)
    assert traffic.errors == []
    assert set(traffic.statuses) == {200}
    assert traffic.statuses[200] == traffic.n_sent

    assert (better.outcome, better.replicas[0].former, better.replicas[0].served) == (
        "done", "v1", "v2",
    )  # fmt: skip
    assert better.replicas[0].watched is not None
    assert better.replicas[0].watched.n_errors == 0
    assert better.replicas[0].watched.n_requests >= LEAST_REQUESTS
    assert (slow.outcome, slow.replicas[0].served) == ("rolled_back", "v2")
    assert "times that of before (at most 4 times)" in slow.reason
    assert (shadow.outcome, shadow.replicas[0].served) == ("rolled_back", "v2")
    assert "requests failed" in shadow.reason
    assert canary.outcome == "done"
    assert canary.replicas[0].watched is not None
    assert canary.replicas[0].watched.n_requests > 0
    assert (back.outcome, back.replicas[0].served) == ("done", "v1")
    assert httpx.get(f"{service.address}/model").json()["candidate"] is None
    assert "v4" not in traffic.versions
    assert set(traffic.versions) == {"v1", "v2", "v3"}
    assert traffic.versions[-1] == "v1"
    print(f"\n{dict(Counter(traffic.versions))}, before the way back {n_before}; {slow.reason}")
