"""What processes that were killed have left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steps.packaging.build_folder import build_folder
from steps.upkeep.survey import look_again, survey
from tests.steps.upkeep.made_home import MadeHome, age, old_file
from vision.durable import locked

pytestmark = pytest.mark.unit

PARTS = (
    "images/.visionstack-digits-v1-00000000.tar.part",
    "images/.visionstack-digits-v1-00000000.tar.part.oci",
    "images/visionstack-digits-v1-00000000.part",
    "bundles/digits/.making-abcd1234",
    "bundles/digits/.fetching-abcd1234",
    "bundles/digits/.signing-abcd1234",
    "environments/.stage-abcd1234",
    "environments/.aside-abcd1234",
    "champions/.digits.abcd1234.tmp",
    "serving/.active.abcd1234.tmp",
    "deployments/.compose-last.abcd1234.tmp",
    "deployments/history/.digits.abcd1234.tmp",
    "deployments/approvals/digits/.v1.abcd1234.tmp",
    "passports/digits/.v1.json.part",
)
OTHERS = (
    "bundles/digits/.damaged-abcd1234",
    "bundles/digits/v1/.making-abcd1234",
    "datasets/.digits-abcd1234",
    "keys/.signing-abcd1234",
    "environments/0123456789abcdef",
    "logs/spool/.x.tmp",
    "deployments/promotions/.digits.lock",
    "serving/active.lock",
)
TEMPORARY = (
    "visionstack-image-abcd1234",
    "visionstack-bento-abcd1234",
    "visionstack-lock-abcd1234",
    "visionstack-audit-abcd1234",
    "visionstack-abcd1234",
    "bentoml-model-digits-abcd1234",
)
OTHERS_TEMPORARY = (
    "visionstack-metrics-abcd1234",
    "visionstack-server-abcd1234",
    "visionstack-tests-abcd1234",
    "visionstack-image-of-mine",
    "bentoml-model-other-abcd1234",
    "image-abcd1234",
)


def fill(folder: Path, hours: float = 48.0) -> Path:
    old_file(folder / "file", "12345")
    return age(folder, hours)


def leave(root: Path, names: tuple[str, ...], hours: float = 48.0) -> None:
    for name in names:
        fill(root / name, hours)


def test_parts_go_and_nothing_else_in_the_home(made: MadeHome) -> None:
    fill(made.root / "bundles" / "digits" / "v1")
    leave(made.root, PARTS)
    leave(made.root, OTHERS)
    plan = survey(1)
    assert made.names(plan) == set(PARTS)
    assert {each.why for each in plan.goes} == {"left by a process that was killed"}
    assert plan.n_bytes == 5 * len(PARTS)


def test_parts_that_are_younger_than_a_day_stay(made: MadeHome) -> None:
    leave(made.root, PARTS, hours=23.9)
    leave(made.temporary, TEMPORARY, hours=23.9)
    old = made.root / "bundles" / "digits" / ".making-old00000"
    fill(old)
    os.utime(old / "file")
    assert made.names(survey(1)) == set(), "what is written to is young"


def test_temporary_folders_go_by_their_whole_name(made: MadeHome) -> None:
    fill(made.root / "bundles" / "digits" / "v1")
    leave(made.temporary, TEMPORARY)
    leave(made.temporary, OTHERS_TEMPORARY)
    fill(made.bentoml / "tmp" / "bentoml_bento_visionstackabcd1234")
    fill(made.bentoml / "tmp" / "bentoml_bento_otherabcd1234")
    assert made.names(survey(1)) == {
        *(f"temporary/{name}" for name in TEMPORARY),
        "bentoml/tmp/bentoml_bento_visionstackabcd1234",
    }


def test_the_folder_of_a_build_that_runs_stays_however_long_it_takes(made: MadeHome) -> None:
    with build_folder() as folder:
        age(folder)
        plan = survey(1)
        assert [(each.thing.place, each.why) for each in plan.left] == [
            (folder, "used by a process that holds building")
        ]
        assert not plan.goes
    fill(made.temporary / "visionstack-image-abcd1234")
    [dead] = survey(1).goes
    with locked(made.temporary / "visionstack-image-abcd1234" / "file"):
        assert look_again(dead.thing, 1).why == "used by a process that holds file"


@pytest.mark.security
def test_links_and_folders_of_others_in_the_temporary_folder_stay(
    made: MadeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = fill(made.root.parent / "mine")
    link = made.temporary / "visionstack-image-abcd1234"
    link.symlink_to(mine)
    age(link)
    (made.root / "images").mkdir()
    part = made.root / "images" / ".x.tar.part"
    part.symlink_to(mine / "file")
    age(part)
    fill(made.temporary / "visionstack-image-abcd5678")
    assert made.names(survey(1)) == {"temporary/visionstack-image-abcd5678"}
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert made.names(survey(1)) == set()


def test_what_a_bundle_command_was_filling_goes_where_it_is_as_a_rule(made: MadeHome) -> None:
    for folder in (made.here, made.root):
        fill(folder / ".offline-abcd1234" / "wheels")
        age(folder / ".offline-abcd1234")
    fill(made.here / ".offline-abcd5678")  # it has a file that no archive has
    fill(made.here / ".offline-mine" / "wheels")
    age(made.here)
    assert made.names(survey(1)) == {"here/.offline-abcd1234", ".offline-abcd1234"}


def test_a_second_name_of_a_file_frees_nothing(made: MadeHome) -> None:
    kept = old_file(made.root / "kept", "12345")
    stage = made.root / "environments" / ".stage-abcd1234"
    fill(stage)
    os.link(kept, stage / "linked")
    age(stage)
    assert survey(1).n_bytes == 5
