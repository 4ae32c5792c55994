"""What may be taken from the cache of a pipeline, and what may not."""

from __future__ import annotations

from pathlib import Path

import bentoml
import pytest
from zenml.client import Client

from pipelines import options
from pipelines.inputs import digest_names
from pipelines.options import champion_tag, registered
from steps.register_model import _alias
from tests.fake_bundle import write_fake_bundle
from tests.pipelines.conftest import MakeJob
from tests.serving.models.versions import promote, store_version
from vision.bundles.champion import Champion, write_champion

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("home")]


@pytest.fixture
def _untracked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "tracked", lambda job: {"tracked": job.model.name})


@pytest.mark.usefixtures("_untracked")
def test_registering_is_cached_only_where_its_result_is_not_needed_at_once(
    make_job: MakeJob,
) -> None:
    anew = {"tracked": "colours", "enable_cache": False}
    assert registered(make_job()) == anew, "there is no champion"
    promote("v1-options")
    assert registered(make_job()) == {"tracked": "colours"}
    assert registered(make_job(pipeline="full")) == anew, "a deployment follows"


@pytest.mark.fault
@pytest.mark.usefixtures("_untracked")
def test_a_challenger_whose_bundle_is_gone_is_registered_anew(make_job: MakeJob) -> None:
    job = make_job(model={"name": "vanishing"})
    promote("v1", "vanishing")
    store_version("v2", "vanishing")
    Client().create_model("vanishing")
    for version in ("v1", "v2"):
        Client().create_model_version("vanishing", name=version)
    assert registered(job) == {"tracked": "vanishing"}
    bentoml.models.delete("vanishing:v2")
    assert registered(job) == {"tracked": "vanishing", "enable_cache": False}


def test_a_champion_without_its_bundle_is_none_to_use(home: Path) -> None:
    assert champion_tag("colours") is None
    write_champion(Champion(name="colours", version="v0", bento_model="colours:v0-gone"))
    assert champion_tag("colours") is None
    (home / "champions/colours.json").write_text("{")
    assert champion_tag("colours") is None


@pytest.mark.fault
def test_a_damaged_pointer_makes_no_new_version_champion(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write_fake_bundle(tmp_path / "bundle")
    assert _alias(manifest, promotes_first=True) == "champion"
    (home / "champions").mkdir(parents=True)
    (home / "champions/colours.json").write_text("{")
    assert _alias(manifest, promotes_first=True) == "challenger"
    assert f"{manifest.version} is registered as challenger: the champion pointer" in (
        capsys.readouterr().err
    )


def test_the_champion_is_no_input_of_a_pipeline(make_job: MakeJob) -> None:
    """It is looked up when it is compared with, which may be hours later."""
    assert digest_names(make_job(pipeline="full")) == ("data_digest", "weights_digest")
    assert digest_names(make_job(pipeline="deployment")) == ("data_digest", "bento_model")
