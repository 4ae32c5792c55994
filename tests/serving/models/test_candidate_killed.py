"""A candidate set by a process that is killed: its pointer is complete, or it is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from serving.models.candidate import candidate_path, read_candidate
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
TrialHost(lambda: served, lambda trial: None).propose("colours", "v2", "canary", 0.5)
"""


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
    command = [sys.executable, "-c", PROPOSE, str(store), str(served)]
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
