"""From images to a running service and back, as a user does it, while the service is asked."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from serving.models.active import active_path
from serving.models.locate import MODEL_VARIABLE
from tests.demo import BIN
from tests.pipelines.ladder import BETTER, WORSE, Ended, Ladder, make_ladder, run_program
from tests.servers import free_port, running
from tests.stuck_replica import stuck_replica
from tests.traffic import Traffic
from vision.bundles.champion import read_champion
from vision.home import home

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NAME = "ladder"
_, PNG = cv2.imencode(".png", np.full((20, 24, 3), (40, 60, 200), np.uint8))
RED = PNG.tobytes()
STEPS = (
    "compare_models", "gate_deployment", "build_bento", "try_bento", "build_image",
    "try_candidate", "promote_model", "roll_out", "report_deployment",
)  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """What a program did, and what was served and championed right after it."""

    ended: Ended
    served: str
    champion: str


@dataclass(frozen=True)
class Story:
    """All that happened, in order, and what the service was asked meanwhile."""

    first: Moment
    worse: Moment
    better: Moment
    back: Moment
    undone: Moment
    waiting: Moment
    approved: Moment
    again: Moment
    traffic: Traffic
    seconds: float
    address: str


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service that has no model yet."""
    found = f"http://127.0.0.1:{(port := free_port())}"
    serve = [str(BIN / "bentoml"), "serve", "--port", str(port)]
    log = tmp_path_factory.mktemp("service") / "service.txt"
    with running(serve, os.environ | {MODEL_VARIABLE: NAME}, log, f"{found}/livez", within_s=60):
        yield found
    active_path().unlink(missing_ok=True)  # other services of the session have other models


@pytest.fixture(scope="module")
def ladder(address: str, tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return make_ladder(tmp_path_factory.mktemp("ladder"), NAME, address)


@pytest.fixture(scope="module")
def story(ladder: Ladder, address: str) -> Story:
    def look(ended: Ended) -> Moment:
        served = httpx.get(f"{address}/model", timeout=10).json()["version"]
        champion = read_champion(NAME)
        assert champion is not None, ended.said
        return Moment(ended, served, champion.version)

    def roll_back() -> Ended:
        return run_program(["run.py", "rollback", "--model", NAME, "--service", address])

    def rate(value: float) -> tuple[str, str]:
        return ("--set", f"training.learning_rate={value}")

    def deploy(version: str, *settings: str) -> Ended:
        named = (f"deployment.version={version}", *settings)
        return ladder.run("deployment", *(word for each in named for word in ("--set", each)))

    assert httpx.get(f"{address}/readyz", timeout=10).status_code == 503
    first = look(ladder.run("full"))
    traffic, began = Traffic(address, RED), time.monotonic()
    with traffic.running():
        worse = look(ladder.run("full", *rate(WORSE)))
        better = look(ladder.run("full", *rate(BETTER)))
        back = look(roll_back())
        version = better.ended.version
        with stuck_replica(NAME, first.champion) as stuck:
            services = f"deployment.services={json.dumps([address, stuck])}"
            undone = look(deploy(version, services, "deployment.ready_s=5"))
        waiting = look(deploy(version, "deployment.approval=manual"))
        run_program(["run.py", "approve", version, "--by", "a person"])
        approved = look(deploy(version, "deployment.approval=manual"))
        again = look(deploy(version))
    seconds = time.monotonic() - began
    return Story(
        first, worse, better, back, undone, waiting, approved, again, traffic, seconds, address
    )


def test_the_first_version_is_tried_and_then_served(story: Story) -> None:
    ended = story.first.ended
    assert ended.code == 0, ended.said
    assert ended.report["status"] == "completed"
    assert list(ended.report["seconds"])[-len(STEPS) :] == list(STEPS)
    assert story.first.served == story.first.champion == ended.version
    assert any("is promoted" in said for said in ended.report["deployment"])
    assert any("no image" in said or "none" in said for said in ended.report["deployment"])


def test_a_worse_version_is_rejected_and_nothing_served_changes(story: Story) -> None:
    ended = story.worse.ended
    assert ended.code == 3, ended.said
    assert ended.report["status"] == "stopped"
    assert "build_bento" not in ended.report["seconds"]
    assert ended.version != story.first.champion
    assert ended.report["metrics"]["accuracy"] < story.first.ended.report["metrics"]["accuracy"]
    [sentence] = ended.report["deployment"]
    assert f"{NAME} {ended.version} is rejected" in sentence
    assert story.worse.served == story.worse.champion == story.first.champion


def test_a_better_version_is_promoted(story: Story) -> None:
    ended = story.better.ended
    assert ended.code == 0, ended.said
    assert ended.report["metrics"]["accuracy"] == 1.0
    assert story.better.served == story.better.champion == ended.version
    assert ended.version not in (story.first.champion, story.worse.ended.version)


def test_rollback_brings_the_old_one_back(story: Story) -> None:
    ended = story.back.ended
    assert ended.code == 0, ended.said
    assert len(_seconds(ended.said)) == 1
    assert story.back.served == story.back.champion == story.first.champion


@pytest.mark.soak
def test_rollback_brings_it_back_within_five_seconds(story: Story) -> None:
    # Under fifty requests a second; on a machine that is left alone.
    assert max(_seconds(story.back.ended.said)) <= 5.0


def _seconds(said: str) -> list[float]:
    return [float(each) for each in re.findall(r"serves it after ([\d.]+) s", said)]


def test_a_roll_out_that_does_not_get_ready_is_undone(story: Story) -> None:
    ended = story.undone.ended
    assert ended.code == 1, ended.said
    assert ended.report["status"] == "failed"
    [said] = [said for said in ended.report["deployment"] if said.startswith("roll-out")]
    first = story.first.champion
    assert "rolled back; http://127.0.0.1:" in said
    assert f"is not ready with {NAME} {ended.version}: it serves {NAME} {first}" in said
    assert said.endswith(f"; {first} is the champion again")
    assert story.undone.served == story.undone.champion == story.first.champion


def test_a_version_waits_for_a_person(story: Story) -> None:
    waiting, approved = story.waiting.ended, story.approved.ended
    assert waiting.code == 5, waiting.said
    assert waiting.report["status"] == "waiting"
    assert f"run.py approve {waiting.version}" in waiting.report["deployment"][0]
    assert story.waiting.served == story.waiting.champion == story.first.champion
    assert approved.code == 0, approved.said
    assert "was approved by a person" in approved.report["deployment"][0]
    assert story.approved.served == story.approved.champion == story.better.ended.version


def test_the_champion_deployed_again_stays(story: Story) -> None:
    assert story.again.ended.code == 0, story.again.ended.said
    assert story.again.served == story.again.champion == story.better.champion


def test_no_request_failed_meanwhile(story: Story) -> None:
    traffic, versions = story.traffic, (story.first.champion, story.better.champion)
    assert traffic.errors == []
    assert set(traffic.statuses) == {200}
    assert traffic.statuses[200] == traffic.n_sent
    assert set(traffic.versions) == set(versions)
    assert (traffic.versions[0], traffic.versions[-1]) == versions
    print(f"\n{traffic.statuses[200]} requests in {story.seconds:.0f} s, none failed")


def test_all_of_it_is_written_down(story: Story) -> None:
    ended = run_program(["run.py", "deployments", "--model", NAME, "--json"])
    assert ended.code == 0, ended.said
    found = json.loads(ended.said[ended.said.index("[") :])
    told = {(each["action"], each["outcome"], each["model_version"]) for each in found}
    first, better = story.first.champion, story.better.champion
    assert ("promote", "refused", story.worse.ended.version) in told
    assert {("promote", "done", first), ("promote", "done", better)} <= told
    assert any(action == "rollback" and version == first for action, _, version in told)


def test_each_has_a_passport_and_they_can_be_compared(story: Story) -> None:
    first, better = story.first.champion, story.better.champion
    for version in (first, better):
        assert (home() / "passports" / NAME / f"{version}.html").is_file()
        assert Path(home() / "passports" / NAME / f"{version}.json").is_file()
    ended = run_program(["run.py", "passport", "diff", first, better])
    assert ended.code == 0, ended.said
    assert "accuracy" in ended.said
