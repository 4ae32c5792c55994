"""A deployment that dies at a step: the pointer names a complete version, and again converges."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from serving.models.active import active_path
from serving.models.locate import MODEL_VARIABLE
from serving.models.store import bundle_folder
from steps.model_registry import read_aliases
from steps.model_version import read_stages
from tests.demo import BIN
from tests.pipelines.dying_run import DIES_AT, KILLED
from tests.pipelines.ladder import BETTER, Ladder, make_ladder
from tests.servers import free_port, running
from vision.bundles.champion import read_champion
from vision.bundles.files import verify_files
from vision.bundles.manifest import read_manifest

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.fault]

STEPS = (
    "load_dataset", "load_bundle", "compare_models", "gate_deployment", "build_bento",
    "try_bento", "build_image", "try_candidate", "promote_model", "roll_out", "report_deployment",
)  # fmt: skip
# What a shorter run looks at, a minute each: before anything was changed, and in between.
FEW = ("after:build_bento", "after:promote_model")
ALL = [f"{when}:{step}" for step in STEPS for when in ("before", "after")]


@dataclass(frozen=True)
class Challenged:
    """A model with a champion that is served, and a better version that is registered.

    Attributes:
      ladder: its configurations.
      first: the champion.
      better: the other version.
      address: of the service.
    """

    ladder: Ladder
    first: str
    better: str
    address: str

    @property
    def served(self) -> str:
        """The version that the service answers with."""
        return str(httpx.get(f"{self.address}/model", timeout=10).json()["version"])


@pytest.fixture
def challenged(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Challenged]:
    name = "killed_" + request.node.callspec.params["moment"].replace(":", "_")
    folder = tmp_path_factory.mktemp(name)
    address = f"http://127.0.0.1:{(port := free_port())}"
    ladder = make_ladder(folder, name, address)
    training = (folder / "full.yaml").read_text().replace("pipeline: full", "pipeline: training")
    (folder / "training.yaml").write_text(training)
    first = ladder.run("training")
    better = ladder.run("training", "--set", f"training.learning_rate={BETTER}")
    assert (first.code, better.code) == (0, 0), first.said + better.said
    serve = [str(BIN / "bentoml"), "serve", "--port", str(port)]
    variables = os.environ | {MODEL_VARIABLE: name}
    with running(serve, variables, folder / "service.txt", f"{address}/readyz", within_s=60):
        yield Challenged(ladder, first.version, better.version, address)
    active_path().unlink(missing_ok=True)  # other services of the session have other models


def check_complete(name: str) -> str:
    """Returns the champion, which is in the store with all of its files."""
    champion = read_champion(name)
    assert champion is not None
    folder = bundle_folder(champion.bento_model)
    manifest = read_manifest(folder)
    verify_files(folder, manifest)
    assert manifest.version == champion.version
    return champion.version


def die_and_go_on(challenged: Challenged, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder, first, better = challenged.ladder, challenged.first, challenged.better
    assert challenged.served == first
    program = ("-m", "tests.pipelines.dying_run")
    with monkeypatch.context() as armed:
        armed.setenv(DIES_AT, moment)
        died = ladder.run("deployment", program=program)
    assert died.code == KILLED, died.said
    assert check_complete(ladder.name) in (first, better)
    if ALL.index(moment) < ALL.index("after:promote_model"):
        assert check_complete(ladder.name) == challenged.served == first

    again = ladder.run("deployment")
    assert again.code == 0, again.said
    assert check_complete(ladder.name) == challenged.served == better
    assert read_aliases(ladder.name) == {"champion": better}
    assert read_stages(ladder.name, first, better) == {first: "archived", better: "production"}
    passport = Path(os.environ["VISIONSTACK_HOME"]) / "passports" / ladder.name / f"{better}.json"
    assert passport.is_file()


@pytest.mark.parametrize("moment", FEW)
def test_mu02_a_deployment_that_dies_goes_on_where_it_is_run_again(
    moment: str, challenged: Challenged, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_and_go_on(challenged, moment, monkeypatch)


@pytest.mark.soak
@pytest.mark.parametrize("moment", [moment for moment in ALL if moment not in FEW])
def test_mu02_at_every_step(
    moment: str, challenged: Challenged, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_and_go_on(challenged, moment, monkeypatch)
