"""What is found in the stores of BentoML and of the builders, which other projects use too."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from steps.upkeep.in_stores import bentoml_home
from steps.upkeep.survey import survey
from tests.steps.upkeep.fake_store import FakeStore
from tests.steps.upkeep.made_home import MODEL, MadeHome, age, belongings, make_champion

pytestmark = pytest.mark.integration

TEST_ENVIRONMENT = ("BENTOML_HOST=127.0.0.1", "BENTOML_PORT=4711")


@pytest.fixture
def store(deployed: MadeHome, tmp_path: Path) -> FakeStore:
    """A builder with the images of all versions."""
    found = FakeStore.write(tmp_path / "bin")
    for number in range(1, 9):
        version = f"v{number}"
        found.add_image(f"{number}" * 12, f"localhost/visionstack:x-{version}", MODEL, version)
    make_champion("v2")
    return found


def going(kind: str = "image") -> list[str]:
    """Returns the names of what goes of a kind."""
    return [each.thing.name for each in survey(5).goes if each.thing.kind == kind]


def test_the_store_is_where_bentoml_has_it() -> None:
    from bentoml._internal.configuration.containers import BentoMLContainer

    assert str(bentoml_home() / "bentos") == str(Path(BentoMLContainer.bento_store.get()._path))


def test_bentos_of_others_stay(deployed: MadeHome) -> None:
    of = {"model": MODEL, "model_version": "v1"}
    deployed.build_bento("not-known-here", {"model": MODEL, "model_version": "v0"}, 30)
    deployed.build_bento("without-a-model", {}, 30)
    deployed.build_bento("of-another-project", {**of, "project": "theirs"}, 30)
    half = deployed.build_bento("half-built", of, 30)
    (half / "bento.yaml").unlink()
    age(half)
    service = deployed.bentoml / "bentos" / "another_service"
    (deployed.bentoml / "bentos" / "visionstack" / "v1").rename(service)
    assert going("bento") == [
        str(deployed.bentoml / "bentos" / "visionstack" / each) for each in ("v2", "v3")
    ]


def test_a_bento_that_is_served_is_left(deployed: MadeHome) -> None:
    # No other test has a bento of this name: whoever looks sees all processes of the machine.
    deployed.build_bento("in-use", {"model": MODEL, "model_version": "v1"}, 30)
    words = [sys.executable, "-c", "input()", "serve", "visionstack:in-use"]
    with Popen(words, stdin=PIPE) as process:
        left = survey(5).left
        process.communicate(b"\n")
    assert [Path(each.thing.name).name for each in left] == ["in-use"]


def test_images_of_versions_that_are_not_kept_go(deployed: MadeHome, store: FakeStore) -> None:
    assert going() == ["localhost/visionstack:x-v1", "localhost/visionstack:x-v3"]
    label = "label=visionstack.model.name"
    assert [call for call in store.lines("calls") if call.startswith("images")] == [
        f"images --no-trunc --filter {label} --format {{{{.ID}}}} {{{{.Repository}}}}:{{{{.Tag}}}}"
    ]


def test_images_of_others_stay(deployed: MadeHome, store: FakeStore) -> None:
    """Of a version that this home does not know, which another home has, and without labels."""
    store.add_image("a" * 12, "localhost/visionstack:other", MODEL, "v0")
    store.add_image("b" * 12, "localhost/visionstack:theirs", "theirs", "v1")
    store.add_image("c" * 12, "localhost/python:3.11", "", "")
    (store.folder / f"says-{'a' * 12}").unlink()  # it has gone meanwhile
    assert going() == ["localhost/visionstack:x-v1", "localhost/visionstack:x-v3"]


def test_an_image_without_a_name_goes_by_its_id(deployed: MadeHome, store: FakeStore) -> None:
    store.add_image("d" * 12, "<none>:<none>", MODEL, "v1")
    assert going() == [
        "d" * 12,
        "localhost/visionstack:x-v1",
        "localhost/visionstack:x-v3",
    ]


def test_an_image_that_is_being_built_or_used_stays(deployed: MadeHome, store: FakeStore) -> None:
    part = deployed.root / "images" / ".visionstack-digits-v1-00000000.tar.part"
    part.write_text("x")
    store.add_user("3" * 12, "service")
    assert going() == []
    [left] = survey(5).left
    assert left.why == "used by the container service"


def test_test_containers_go_when_they_are_a_day_old(deployed: MadeHome, store: FakeStore) -> None:
    store.add_container("visionstack-test-4711", 25, *TEST_ENVIRONMENT)
    store.add_container("visionstack-base-0123abcd", 25, "BENTOML_HOST=127.0.0.1", "BENTOML_PORT=0")
    assert going("container") == ["visionstack-base-0123abcd", "visionstack-test-4711"]


def test_other_containers_stay(deployed: MadeHome, store: FakeStore) -> None:
    store.add_container("visionstack-test-4711", 23, *TEST_ENVIRONMENT)
    store.add_container("visionstack-test-4712", 25, "BENTOML_PORT=4712")
    store.add_container("visionstack-test-mine", 25, *TEST_ENVIRONMENT)
    store.add_container("visionstack-service", 25, *TEST_ENVIRONMENT)
    assert going("container") == []


@pytest.mark.fault
def test_a_store_that_does_not_answer_does_not_stop_the_rest(
    deployed: MadeHome, store: FakeStore
) -> None:
    store.note("broken")
    plan = survey(5)
    assert plan.problems == ("podman images failed with status 125: the store is locked",)
    assert deployed.names(plan) == belongings("v1") | belongings("v3")
    assert not plan.is_sure


def test_buildah_is_asked_where_there_is_no_podman(deployed: MadeHome, tmp_path: Path) -> None:
    other = FakeStore.write(tmp_path / "bin", "buildah")
    other.add_image("1" * 12, "localhost/visionstack:x-v1", MODEL, "v1")
    assert going() == ["localhost/visionstack:x-v1"]
    assert any(".OCIv1.Config.Labels" in call for call in other.lines("calls"))
    FakeStore.write(tmp_path / "bin", "podman")
    assert going() == [], "both have one store"
