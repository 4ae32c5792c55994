"""Tests of activation and rollback, in serving/models/host.py."""

import os
import time
from pathlib import Path

import pytest

from serving.models.active import active_path, read_active
from serving.models.host import ModelHost
from serving.models.state import Activated, ModelPinned, ModelRefused
from tests.serving.models.versions import promote, store_version
from tests.serving.models.waiting import pointer, served

pytestmark = pytest.mark.unit


def test_an_activation_serves_the_version_and_writes_the_pointer(idle_host: ModelHost) -> None:
    done = idle_host.activate("colours", "v2")
    assert done == Activated(idle_host.state, ("colours", "v1"))
    assert served(idle_host) == ("v2", 1)
    assert pointer() == ("v2", 1, ("v1",))
    idle_host.activate("colours", "v3")
    assert pointer() == ("v3", 2, ("v2", "v1"))


def test_mu05_activating_the_active_version_changes_nothing(idle_host: ModelHost) -> None:
    first = idle_host.activate("colours", "v2")
    before = active_path().stat()
    assert idle_host.activate("colours", "v2") == first
    assert active_path().stat().st_ino == before.st_ino
    assert idle_host.state.model is first.state.model
    # A worker that lags behind catches up, with the same generation.
    other = ModelHost()
    assert other.activate("colours", "v2").state.generation == 1
    assert served(other) == ("v2", 1)


def test_activating_the_champion_that_is_served_ends_the_following(idle_host: ModelHost) -> None:
    idle_host.start()
    idle_host.wait(20.0)
    assert idle_host.activate("colours", "v1").previous is None
    idle_host.stop()
    assert pointer() == ("v1", 1, ())


def test_a_rollback_goes_back_step_by_step(idle_host: ModelHost) -> None:
    idle_host.activate("colours", "v2")
    idle_host.activate("colours", "v3")
    done = idle_host.rollback()
    assert (served(idle_host), done.previous) == (("v2", 3), ("colours", "v1"))
    done = idle_host.rollback()
    assert (served(idle_host), done.previous) == (("v1", 4), None)
    with pytest.raises(ModelRefused, match="no version was served before") as caught:
        idle_host.rollback()
    assert caught.value.reason == "no_previous"
    assert (served(idle_host), pointer()) == (("v1", 4), ("v1", 4, ()))


def test_a_champion_that_was_followed_can_be_rolled_back(idle_host: ModelHost) -> None:
    idle_host._look_again_s = 0.01
    idle_host.start()
    idle_host.wait(20.0)
    promote("v4", day=2)
    deadline = time.monotonic() + 20.0
    while served(idle_host) != ("v4", 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    idle_host.rollback()
    idle_host.stop()
    assert (served(idle_host), pointer()) == (("v1", 1), ("v1", 1, ()))


def test_mu07_a_path_or_an_address_is_refused_before_anything(home: Path) -> None:
    host = ModelHost()
    for name in ("../etc", "http://x", "s3://evil/x"):
        with pytest.raises(ModelRefused, match="1 to 64 of A-Z") as caught:
            host.activate(name, "v1")
        assert caught.value.reason == "bad_id"
    assert not home.exists()


@pytest.mark.parametrize("version", ["v9", "latest", "v", "V2"])
def test_a_version_that_is_not_in_the_store_is_refused(idle_host: ModelHost, version: str) -> None:
    with pytest.raises(ModelRefused) as caught:
        idle_host.activate("colours", version)
    # The store knows lower case only; the manifest tells the rest.
    assert caught.value.reason == ("manifest" if version == "V2" else "unknown")
    assert read_active() is None


def test_mu01_a_refused_version_leaves_everything_as_it_was(idle_host: ModelHost) -> None:
    failures: list[str] = []
    swaps: list[str] = []
    idle_host.activate("colours", "v2")
    idle_host.on_failure(failures.append)
    idle_host.on_change(lambda state, why: swaps.append(why))
    state, folder = idle_host.state, store_version("v3")
    whole = (folder / "serving.onnx").read_bytes()
    (folder / "serving.onnx").write_bytes(whole[:-1])
    for _ in range(2):
        with pytest.raises(ModelRefused, match=r"colours v3: serving\.onnx was changed") as caught:
            idle_host.activate("colours", "v3")
        assert caught.value.reason == "files"
        assert str(folder) not in str(caught.value)
    assert idle_host.state is state
    assert pointer() == ("v2", 1, ("v1",))
    assert (failures, swaps) == (["files", "files"], [])
    (folder / "serving.onnx").write_bytes(whole)
    assert idle_host.activate("colours", "v3").state.generation == 2
    assert swaps == ["activate"]


def test_a_rollback_to_a_damaged_version_changes_nothing(idle_host: ModelHost) -> None:
    idle_host.activate("colours", "v2")
    (store_version("v1") / "labels.json").unlink()
    with pytest.raises(ModelRefused, match=r"labels\.json is missing"):
        idle_host.rollback()
    assert (served(idle_host), pointer()) == (("v2", 1), ("v2", 1, ("v1",)))


@pytest.mark.parametrize(
    ("variable", "value"), [("VISIONSTACK_BUNDLE", "/x"), ("VISIONSTACK_MODEL", "colours:v1")]
)
def test_a_pinned_service_cannot_be_changed(
    idle_host: ModelHost, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ModelPinned, match=variable):
        idle_host.activate("colours", "v2")
    with pytest.raises(ModelPinned, match=variable):
        idle_host.rollback()
    assert read_active() is None


def test_a_pointer_that_cannot_be_written_is_said_and_nothing_changes(
    idle_host: ModelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle_host.activate("colours", "v2")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as planted:
        planted.setattr(os, "fsync", fail)
        with pytest.raises(ModelRefused, match="cannot be written: No space left") as caught:
            idle_host.activate("colours", "v3")
    assert caught.value.reason == "not_written"
    assert (served(idle_host), pointer()) == (("v2", 1), ("v2", 1, ("v1",)))
    assert idle_host.activate("colours", "v3").state.generation == 2
