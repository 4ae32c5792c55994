"""Promotion and rollback with the real registry, ZenML and model store."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from zenml.client import Client

from serving.models.store import bundle_folder
from steps import model_version
from steps.model_registry import read_aliases, write_aliases
from steps.promote_model import promote_model
from steps.promotion import promote as module
from steps.promotion.places import all_places
from steps.promotion.promote import promote
from steps.promotion.rollback import roll_back
from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.vision.comparison.test_decision import make_comparison
from vision.bundles.build import Bundle
from vision.bundles.champion import read_champion
from vision.bundles.manifest import read_manifest
from vision.errors import VisionError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

VERSIONS = ("v1", "v2", "v3")


def register(model: str, version: str, source: str) -> None:
    """Gives a version its names in MLflow and ZenML, as the training pipeline does."""
    import mlflow

    client = mlflow.MlflowClient()
    if not client.search_registered_models(f"name = '{model}'"):
        client.create_registered_model(model)
        Client().create_model(model)
    client.create_model_version(model, source, tags={"model_version": version})
    Client().create_model_version(model, name=version)


@pytest.fixture
def model(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> str:
    """A model of the test's own: v1 is the champion, v2 the challenger, v3 neither."""
    name = f"real_{zlib.crc32(request.node.name.encode()):08x}"
    tracker = Client().active_stack.experiment_tracker
    assert tracker is not None
    tracker.configure_mlflow()  # type: ignore[attr-defined]
    make_champion("v1", name)
    for version in VERSIONS:
        store_version(version, name)
        register(name, version, tmp_path.as_uri())
    write_aliases(name, {"champion": "v1", "challenger": "v2"})
    model_version.write_stages(name, {"v1": "production", "v2": "staging"})
    return name


def stages(model: str) -> dict[str, str] | None:
    return model_version.read_stages(model, *VERSIONS)


def champion(model: str) -> str:
    found = read_champion(model)
    assert found is not None
    return found.version


def test_alias_stage_and_pointer_move_together(model: str) -> None:
    folder = bundle_folder(f"{model}:v2")
    bundle = Bundle(folder, read_manifest(folder))
    outdated = make_comparison(name=model, champion="v0")
    with pytest.raises(VisionError, match=r"it was v0, and is v1 now; run the deployment again"):
        promote_model.entrypoint(bundle, outdated)
    assert (champion(model), read_aliases(model)) == ("v1", {"champion": "v1", "challenger": "v2"})

    done = promote_model.entrypoint(bundle, make_comparison(name=model))
    assert (done.version, done.former) == ("v2", "v1")
    assert champion(model) == "v2"
    assert read_aliases(model) == {"champion": "v2"}
    assert stages(model) == {"v1": "archived", "v2": "production", "v3": "none"}


def test_a_version_that_is_no_challenger_leaves_the_challenger_alone(model: str) -> None:
    promote(model, "v3", all_places())
    assert read_aliases(model) == {"champion": "v3", "challenger": "v2"}
    assert stages(model) == {"v1": "archived", "v2": "staging", "v3": "production"}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_everything_is_put_back_where_the_pointer_fails(
    model: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (read_aliases(model), stages(model))

    def refuse(_: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_champion", refuse)
    with pytest.raises(OSError, match="No space"):
        promote(model, version, all_places())
    assert (read_aliases(model), stages(model)) == before
    assert champion(model) == "v1"


def test_a_rollback_brings_everything_back(model: str) -> None:
    promote(model, "v2", all_places())
    promote(model, "v3", all_places())
    done = roll_back(model, "v1", [], all_places())
    assert (done.change.former, done.waiting) == ("v3", "")
    assert champion(model) == "v1"
    assert read_aliases(model) == {"champion": "v1"}
    assert stages(model) == {"v1": "production", "v2": "archived", "v3": "archived"}


def test_versions_that_the_registries_do_not_know(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store_version("v4", model)
    promote(model, "v4", all_places())
    assert champion(model) == "v4"
    assert read_aliases(model) == {"challenger": "v2"}, "nothing else may be called champion"
    assert stages(model) == {"v1": "archived", "v2": "staging", "v3": "none"}
    told = capsys.readouterr().err
    assert f"the model registry does not know {model} v4, so no version of it has the alias" in told
    assert f"ZenML does not know {model} v4, so no version of it is in production" in told


def test_a_model_that_only_the_store_knows(home: Path) -> None:
    make_champion("v1", "unregistered")
    store_version("v2", "unregistered")
    assert read_aliases("unregistered") is None
    promote("unregistered", "v2", all_places())
    assert champion("unregistered") == "v2"
