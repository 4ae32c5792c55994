"""A candidate set by a process that is killed: complete or not there, and with an end."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from serving.models import trial as module
from serving.models.candidate import Candidate, candidate_path, read_candidate
from serving.models.load import load_model
from serving.models.trial import TrialHost
from tests.fake_bundle import NAME
from tests.serving.models.versions import promote, store_version
from vision.home import repository

pytestmark = pytest.mark.integration

PROPOSE = """
import sys
from pathlib import Path
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models import ModelStore
from serving.models.load import load_model
from serving.models.trial import TrialHost
BentoMLContainer.model_store.set(ModelStore(Path(sys.argv[1])))
served = load_model(Path(sys.argv[2]))
trials = TrialHost(lambda: served, lambda trial: None)
trials.propose("colours", "v2", "canary", 0.5, float(sys.argv[3]))
"""
HOUR_S = "3600"


@pytest.mark.parametrize(
    ("point", "is_there"),
    [
        ("pointer-temporary-made", False),
        ("pointer-half-written", False),
        ("pointer-synced", False),
        ("pointer-renamed", True),
    ],
)
def test_mu02_a_candidate_is_set_or_it_is_not(
    point: str, is_there: bool, store: os.PathLike[str]
) -> None:
    served = promote("v1")
    store_version("v2")
    command = [sys.executable, "-c", PROPOSE, str(store), str(served), HOUR_S]
    environment = os.environ | {"VISIONSTACK_FAULT_AT": point}
    done = subprocess.run(command, cwd=repository(), env=environment, check=False, timeout=60)
    assert done.returncode == 137
    found = read_candidate()
    assert (found is not None) == is_there
    model = load_model(served)
    trials = TrialHost(lambda: model, lambda trial: None)
    trials.look()
    assert (trials.trial is not None) == is_there
    # Whoever comes next is not held up, and clears what was left.
    trials.propose(NAME, "v2", "shadow", 0.1)
    assert [each.name for each in candidate_path().parent.glob(".candidate.*")] == []
    trials.end()
    assert not candidate_path().exists()


def test_what_was_set_by_one_that_is_gone_ends(store: os.PathLike[str]) -> None:
    served = promote("v1")
    store_version("v2")
    command = [sys.executable, "-c", PROPOSE, str(store), str(served), "0.5"]
    environment = os.environ | {"VISIONSTACK_FAULT_AT": "pointer-renamed"}
    done = subprocess.run(command, cwd=repository(), env=environment, check=False, timeout=60)
    assert done.returncode == 137
    assert candidate_path().exists()
    model = load_model(served)
    trials = TrialHost(lambda: model, lambda trial: None, look_again_s=0.05)
    trials.start()
    deadline = time.monotonic() + 20
    while candidate_path().exists():
        assert time.monotonic() < deadline, "the canary answers for ever"
        time.sleep(0.02)
    trials.stop()
    assert trials.trial is None


def test_a_worker_that_has_not_looked_ends_what_another_has_set() -> None:
    model = load_model(promote("v1"))
    store_version("v2")
    TrialHost(lambda: model, lambda trial: None).propose(NAME, "v2", "canary", 0.5)
    ended = TrialHost(lambda: model, lambda trial: None).end()
    assert ended is not None
    assert (ended.version, ended.mode) == ("v2", "canary")
    assert not candidate_path().exists()


def test_a_worker_learns_that_what_it_has_set_was_ended_before_it_looked() -> None:
    model = load_model(promote("v1"))
    store_version("v2")
    one, other = (TrialHost(lambda: model, lambda trial: None) for _ in range(2))
    one.look()  # there was nothing
    one.propose(NAME, "v2", "canary", 0.5)
    assert other.end() is not None
    one.look()  # there is nothing again
    assert one.trial is None


def test_a_worker_learns_of_the_end_of_what_came_while_it_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = load_model(promote("v1"))
    store_version("v2")
    one, other = (TrialHost(lambda: model, lambda trial: None) for _ in range(2))
    read = module.read_candidate

    def after_another_has_set_it() -> Candidate | None:
        monkeypatch.setattr(module, "read_candidate", read)
        other.propose(NAME, "v2", "canary", 0.5)
        return read()

    monkeypatch.setattr(module, "read_candidate", after_another_has_set_it)
    one.look()
    assert one.trial is not None
    assert other.end() is not None
    one.look()
    assert one.trial is None
