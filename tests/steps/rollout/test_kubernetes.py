"""Kubernetes: what is called, what goes wrong, and which revision runs in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.rollout import runners
from steps.rollout.deploy import deploy
from steps.rollout.runners import Kubernetes, find_runner
from tests.steps.rollout.fake_cluster import FakeCluster, fake_cluster
from tests.steps.rollout.pretend import V2
from vision.bundles.rolled_out import RollOut
from vision.config.deployment import DeploymentConfig

pytestmark = pytest.mark.unit

IMAGE = "registry.example.org/visionstack:digits-2-0badcafe"
CONFIG = DeploymentConfig(target="kubernetes", overlay="cloud", ready_s=45.0)

GET = "-n visionstack get deployment/visionstack --ignore-not-found"
STATUS = "-n visionstack rollout status deployment/visionstack --timeout=45s"
UNDO = "-n visionstack rollout undo deployment/visionstack"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(runners, "_ASK_AGAIN_S", 0.001)
    return fake_cluster(tmp_path / "cluster", monkeypatch)


@pytest.fixture
def apply(tmp_path: Path) -> str:
    return f"apply -k {tmp_path}/home/deployments/v2/tried-kubernetes/overlays/cloud"


def rolled_out(backs: list[str] | None = None) -> RollOut:
    def take_back(reason: str) -> str:
        (backs if backs is not None else []).append(reason)
        return ""

    return deploy(V2, CONFIG, image=IMAGE, take_back=take_back)


def test_it_waits_for_the_pods_and_says_that_nobody_was_watched(
    cluster: FakeCluster, apply: str
) -> None:
    cluster.runs(7)
    found = rolled_out()
    assert (found.outcome, found.reason) == (
        "done",
        "nobody was watched: deployment.services names no address, so kubernetes alone said that "
        "it went well",
    )
    assert cluster.calls() == [GET, apply, STATUS]


def test_the_real_kubectl_is_asked_for_what_is_read() -> None:
    assert runners._STATE == (
        "jsonpath={.metadata.generation} {.status.observedGeneration} "
        "{.metadata.annotations.deployment\\.kubernetes\\.io/revision}"
    )


@pytest.mark.fault
def test_a_failed_apply_leaves_the_healthy_revision_alone(cluster: FakeCluster, apply: str) -> None:
    cluster.runs(7)
    cluster.plant("apply")
    backs: list[str] = []
    found = rolled_out(backs)
    assert (found.outcome, found.reason) == (
        "rolled_back", "kubectl apply failed with status 3: planted: apply",
    )  # fmt: skip
    assert backs == [found.reason]
    assert cluster.calls() == [GET, apply, GET]


@pytest.mark.fault
def test_an_apply_that_took_effect_all_the_same_is_undone(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("apply-answer")
    assert rolled_out().outcome == "rolled_back"
    assert cluster.calls()[-2:] == [f"{UNDO} --to-revision=7", STATUS]


@pytest.mark.fault
def test_a_change_that_the_cluster_takes_up_late_is_waited_for(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("apply-answer", "late")
    assert rolled_out().outcome == "rolled_back"
    assert cluster.calls()[-4:] == [GET, GET, f"{UNDO} --to-revision=7", STATUS]


@pytest.mark.fault
def test_pods_that_do_not_get_ready_are_replaced_by_those_of_before(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("status")
    found = rolled_out()
    assert (found.outcome, found.reason) == (
        "rolled_back", "kubectl rollout status failed with status 3: planted: status",
    )  # fmt: skip
    assert cluster.calls()[-2:] == [f"{UNDO} --to-revision=7", STATUS]


@pytest.mark.fault
def test_pods_of_before_that_do_not_come_back_are_said(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("status", "status-after-undo")
    found = rolled_out()
    assert found.outcome == "failed"
    assert found.reason.endswith("rollout status failed with status 3: planted: status-after-undo")


@pytest.mark.fault
def test_an_undo_that_fails_is_said(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("status", "undo")
    found = rolled_out()
    assert found.outcome == "failed"
    assert found.reason.endswith("kubectl rollout undo failed with status 3: planted: undo")


@pytest.mark.fault
def test_a_cluster_that_does_not_answer_is_left_alone(cluster: FakeCluster) -> None:
    cluster.runs(7)
    cluster.plant("get")
    found = rolled_out()
    assert (found.outcome, found.reason) == (
        "rolled_back", "nothing was applied: kubectl get failed with status 3: planted: get",
    )  # fmt: skip
    assert cluster.calls() == [GET]


@pytest.mark.fault
def test_where_the_cluster_no_longer_answers_the_way_back_is_tried(cluster: FakeCluster) -> None:
    cluster.runs(7)
    runner, _ = find_runner("kubernetes", IMAGE, "v2")
    assert isinstance(runner, Kubernetes)
    assert runner.start(45.0) == ""
    cluster.plant("get")
    assert runner.undo(None, 45.0) == ""
    assert cluster.calls()[-3:] == [GET, f"{UNDO} --to-revision=7", STATUS]


@pytest.mark.fault
@pytest.mark.parametrize("fault", ["apply", "status"])
def test_a_first_roll_out_that_fails_has_nothing_to_go_back_to(
    fault: str, cluster: FakeCluster
) -> None:
    cluster.plant(fault)
    found = rolled_out()
    assert found.outcome == "failed"
    assert found.reason.endswith(
        f"planted: {fault}; this was the first roll-out there, so there is no revision to go back "
        "to; look at `kubectl -n visionstack get pods`"
    )
    assert not any("undo" in each for each in cluster.calls())
