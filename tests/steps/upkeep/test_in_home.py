"""What is found of archives, notes and roll-outs, and what is somebody's own."""

from __future__ import annotations

import os
import sys
from subprocess import PIPE, Popen

import pytest

from steps.upkeep.survey import survey
from tests.steps.upkeep.made_home import (
    MODEL,
    MadeHome,
    age,
    belongings,
    make_champion,
    old_file,
    tag,
)

pytestmark = pytest.mark.unit


def test_an_archive_without_a_note_goes_once_it_is_a_day_old(made: MadeHome) -> None:
    made.deploy("v1", days=3)
    old_file(made.root / "images" / "old.tar")
    old_file(made.root / "images" / "young.tar", hours=23)
    plan = survey(5)
    assert made.names(plan) == {"images/old.tar"}
    assert plan.goes[0].why == "it has no note"
    assert plan.n_bytes == 1


def test_an_archive_that_the_note_of_a_kept_version_names_stays(made: MadeHome) -> None:
    archive = made.save_image("v1", days=3)
    note = archive.with_suffix(".json")
    age(note.rename(note.with_name("renamed.json")))
    assert made.names(survey(1)) == set()


def test_what_cannot_be_told_stays(made: MadeHome) -> None:
    """A torn note, and one of an image without the project's labels, with their archives."""
    torn = made.save_image("v1", days=30)
    torn.with_suffix(".json").write_text("{")
    age(torn.with_suffix(".json"))
    made.save_image("v2", days=30, labels={})
    made.deploy("v3", days=1)
    assert made.names(survey(1)) == set()


def test_what_is_younger_than_a_day_stays_whatever_version_it_is_of(deployed: MadeHome) -> None:
    archive = deployed.root / "images" / "visionstack-digits-v1-00000000.tar"
    os.utime(archive)
    old_file(deployed.root / "deployments" / "v1" / "tried-compose.yaml", hours=2)
    gone = belongings("v1") & deployed.names(survey(5))
    assert gone == {"images/visionstack-digits-v1-00000000.json", "visionstack/v1"}


def test_a_folder_with_other_things_in_it_is_somebody_s_own(deployed: MadeHome) -> None:
    mine = deployed.root / "deployments" / "v1"
    old_file(mine / "notes.txt")
    age(mine)
    for book in ("history", "promotions", "approvals", "roll-outs"):
        (deployed.root / "deployments" / book).mkdir()
        age(deployed.root / "deployments" / book)
    gone = {name for name in deployed.names(survey(1)) if name.startswith("deployments/")}
    assert gone == {f"deployments/v{number}" for number in range(2, 8)}


def test_files_of_a_version_that_one_of_two_models_keeps_stay(made: MadeHome) -> None:
    made.deploy("v1", days=30)
    made.deploy("v2", days=20)
    made.save_image("v1", days=30, model="shapes")
    assert "deployments/v1" not in made.names(survey(1)), "shapes has no other version"
    made.save_image("v2", days=20, model="shapes")
    assert "deployments/v1" in made.names(survey(1))


def test_files_of_a_version_stay_that_a_pointer_alone_names(made: MadeHome) -> None:
    """Its bundle may have been removed from the home, and be in the model store alone."""
    old_file(made.root / "deployments" / "v1" / "compose.yaml")
    age(made.root / "deployments" / "v1")
    assert made.names(survey(1)) == {"deployments/v1"}
    make_champion("v1", model="shapes")
    assert made.names(survey(1)) == set()


@pytest.mark.security
def test_links_are_never_followed(deployed: MadeHome) -> None:
    """Neither a folder of the home that is a link, nor one that lies in it."""
    elsewhere = deployed.root.parent / "elsewhere"
    (deployed.root / "images").rename(elsewhere)
    (deployed.root / "images").symlink_to(elsewhere)
    old_file(elsewhere / "lost.tar")
    version = deployed.root / "deployments" / "v1"
    version.rename(deployed.root.parent / "v1")
    version.symlink_to(deployed.root.parent / "v1")
    make_champion("v8")
    plan = survey(1)
    problem = f"{deployed.root / 'images'} is a link, and nothing behind it is removed"
    assert plan.problems == (problem,)
    kinds = {each.thing.kind for each in plan.goes}
    assert kinds == {"roll-out files", "bento"}, "what is no link is removed all the same"
    assert "deployments/v1" not in deployed.names(plan)
    assert "deployments/v2" in deployed.names(plan)


def test_what_a_process_works_with_is_left(deployed: MadeHome) -> None:
    # No other test has a bento of this name: whoever looks sees all processes of the machine.
    deployed.build_bento("in-use", {"model": MODEL, "model_version": "v1"}, 30)
    names = (
        "visionstack:in-use",
        str(deployed.root / "deployments" / "v2" / "compose.yaml"),
        f"--input={tag('v3').replace(':', '-')}.tar",
    )
    words = [sys.executable, "-c", "input()", *names]
    with Popen(words, stdin=PIPE, cwd=deployed.root / "images") as process:
        left = {each.thing.name: each.why for each in survey(1).left}
        process.communicate(b"\n")
    found = {name.rpartition("/")[2]: why for name, why in left.items() if "images" not in name}
    assert set(found) == {"in-use", "v2"}
    assert all(why.endswith(f"({process.pid})") for why in left.values())
    archive = str(deployed.root / "images" / "visionstack-digits-v3-00000000.tar")
    assert archive in left, "its name is relative to the folder that the process is in"
    assert not survey(1).left
