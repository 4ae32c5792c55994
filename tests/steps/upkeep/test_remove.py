"""What is removed, what is not after all, and what a removal that was killed leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.models.fault import FAULT_VARIABLE
from steps.promotion.journal import locked
from steps.upkeep.remove import FAULT_POINTS, Done, remove_all, remove_path
from steps.upkeep.survey import survey
from tests.dying import KILLED
from tests.steps.upkeep.fake_store import FakeStore
from tests.steps.upkeep.made_home import MODEL, MadeHome, belongings, make_champion, old_file
from vision.home import repository

pytestmark = pytest.mark.integration


def outcomes(done: list[Done]) -> list[tuple[str, str]]:
    return [(each.outcome, each.why) for each in done]


def paths(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if not path.is_dir() and path.name[-5:] != ".lock"}


def test_what_goes_is_removed_and_nothing_else(deployed: MadeHome) -> None:
    make_champion("v2")
    before = paths(deployed.root.parent)
    plan = survey(5)
    assert outcomes(list(remove_all(plan, 5))) == [("removed", "")] * 8
    gone = before - paths(deployed.root.parent)
    names = (
        "images/visionstack-digits-{}-00000000.json",
        "images/visionstack-digits-{}-00000000.tar",
    )
    assert gone == {
        *(deployed.root / name.format(version) for name in names for version in ("v1", "v3")),
        *(deployed.root / "deployments" / version / "compose.yaml" for version in ("v1", "v3")),
        *(deployed.bentoml / "bentos/visionstack" / v / "bento.yaml" for v in ("v1", "v3")),
    }
    assert not (deployed.root / "deployments" / "v1").exists()
    assert not list((deployed.bentoml / "tmp").iterdir())
    assert not survey(5).goes


@pytest.mark.slow
@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_removal_that_was_killed_is_carried_on(deployed: MadeHome, point: str) -> None:
    old_file(deployed.temporary / "visionstack-image-abcd1234" / "file")
    os.utime(deployed.temporary / "visionstack-image-abcd1234", (0, 0))
    n_times = 0
    while _run(point) == KILLED:
        n_times += 1
        assert n_times < 20
        # Nothing has half of its contents under its own name.
        for folder in (deployed.root / "deployments").glob("v*"):
            assert (folder / "compose.yaml").exists()
    assert n_times == {"gc-set-aside": 7, "gc-removed": 13}[point]
    plan = survey(5)
    assert not plan.goes
    assert not plan.left
    assert not list(deployed.root.parent.rglob(".visionstack-gc-*"))
    assert {path.name for path in (deployed.root / "deployments").glob("v*")} == {
        f"v{number}" for number in range(4, 9)
    }


def _run(point: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.steps.upkeep.dying_gc"],
        cwd=repository(),
        env={**os.environ, FAULT_VARIABLE: point},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, KILLED), done.stderr
    return done.returncode


def test_a_version_that_is_named_meanwhile_is_left(deployed: MadeHome) -> None:
    plan = survey(5)
    make_champion("v1")
    done = list(remove_all(plan, 5))
    assert {each.why for each in done if each.outcome == "left"} == {"the champion"}
    assert [each.outcome for each in done].count("removed") == 8, "v2 and v3"
    assert (deployed.root / "deployments" / "v1").is_dir()


def test_what_is_written_meanwhile_is_left(deployed: MadeHome) -> None:
    plan = survey(5)
    archive = deployed.root / "images" / "visionstack-digits-v1-00000000.tar"
    os.utime(archive)
    [done] = [each for each in remove_all(plan, 5) if each.outcome != "removed"]
    assert (done.verdict.thing.place, done.why) == (archive, "younger than a day")
    assert archive.exists()


def test_a_model_that_is_being_promoted_is_left(deployed: MadeHome) -> None:
    old_file(deployed.root / "images" / "lost.tar")
    plan = survey(5)
    with locked(MODEL, 1.0):
        done = list(remove_all(plan, 5))
    why = "its model is being promoted or rolled back"
    assert outcomes(done).count(("left", why)) == 12
    assert [each.verdict.thing.name for each in done if each.outcome == "removed"] == [
        str(deployed.root / "images" / "lost.tar")
    ]


def test_what_somebody_else_has_removed_is_no_failure(deployed: MadeHome) -> None:
    plan = survey(5)
    (deployed.root / "images" / "visionstack-digits-v1-00000000.tar").unlink()
    assert set(outcomes(list(remove_all(plan, 5)))) == {("removed", "")}


@pytest.mark.fault
def test_one_that_cannot_be_removed_does_not_stop_the_rest(
    deployed: MadeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "visionstack-digits-v1-00000000.tar":
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    found = outcomes(list(remove_all(survey(5), 5)))
    assert found.count(("failed", "Operation not permitted")) == 1
    assert found.count(("removed", "")) == 11


def test_images_and_containers_are_removed_by_their_builder(
    deployed: MadeHome, tmp_path: Path
) -> None:
    store = FakeStore.write(tmp_path / "bin")
    store.add_image("1" * 12, "localhost/visionstack:x-v1", MODEL, "v1")
    store.add_container("visionstack-test-1", 25, "BENTOML_HOST=127.0.0.1", "BENTOML_PORT=1")
    plan = survey(5)
    store.note("refuses")
    failed = [each for each in remove_all(plan, 5) if each.outcome == "failed"]
    assert [each.why for each in failed] == ["podman: Error: image is in use"] * 2
    (store.folder / "refuses").unlink()
    # The note has gone, and the bundle still says that the version is this home's.
    assert outcomes(list(remove_all(survey(5), 5))) == [("removed", "")] * 2
    assert store.lines("removed") == ["localhost/visionstack:x-v1", "visionstack-test-1"]
    assert store.lines("calls")[-2:] == [
        "rmi localhost/visionstack:x-v1",
        "rm --force --volumes visionstack-test-1",
    ]


@pytest.mark.security
def test_a_folder_that_has_become_a_link_is_not_entered(deployed: MadeHome) -> None:
    plan = survey(5)
    elsewhere = deployed.root.parent / "elsewhere"
    (deployed.root / "images").rename(elsewhere)
    (deployed.root / "images").symlink_to(elsewhere)
    before = paths(elsewhere)
    done = list(remove_all(plan, 5))
    assert outcomes(done).count(("failed", "it has become a link")) == 6
    assert paths(elsewhere) == before


@pytest.mark.security
def test_links_inside_a_folder_are_removed_and_not_followed(made: MadeHome) -> None:
    mine = old_file(made.root.parent / "mine" / "file")
    folder = made.root / "bundles" / "digits" / ".making-abcd1234"
    folder.mkdir(parents=True)
    (folder / "linked").symlink_to(mine.parent)
    remove_path(folder)
    assert mine.exists()
    assert not list((made.root / "bundles" / "digits").iterdir())


def test_the_belongings_of_a_version_are_all_that_goes(deployed: MadeHome) -> None:
    assert deployed.names(survey(7)) == belongings("v1")
