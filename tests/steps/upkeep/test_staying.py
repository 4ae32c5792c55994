"""Which versions are never removed: each rule, and what its file damaged means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steps.upkeep.survey import survey
from steps.upkeep.versions import find_known
from tests.fake_bundle import write_fake_bundle
from tests.steps.upkeep import made_home
from tests.steps.upkeep.made_home import MODEL, MadeHome, belongings, make_champion

pytestmark = pytest.mark.unit

ALL_OLD = {f"v{number}" for number in range(1, 9)}


def gone(found: MadeHome, keep: int = 1) -> set[str]:
    """Returns the versions of which everything goes; no version may go by halves."""
    names = found.names(survey(keep))
    versions = {version for version in ALL_OLD if belongings(version) & names}
    assert names == {name for version in versions for name in belongings(version)}
    return versions


def test_the_newest_stay_and_the_champion(deployed: MadeHome) -> None:
    make_champion("v2")
    assert gone(deployed, keep=5) == {"v1", "v3"}
    assert gone(deployed, keep=1) == ALL_OLD - {"v2", "v8"}
    reasons = survey(1).staying.reasons
    assert reasons == {
        (MODEL, "v2"): "the champion",
        (MODEL, "v8"): "of the 1 newest version",
    }


def test_only_so_many_versions_are_all_kept(deployed: MadeHome) -> None:
    assert gone(deployed, keep=8) == set()


RULES: dict[str, tuple[Callable[[MadeHome], None], set[str]]] = {
    "champion": (lambda m: make_champion("v1"), {"v1"}),
    "history": (lambda m: made_home.add_history("v2", "v1", root=m.root), {"v1", "v2"}),
    "journal": (lambda m: made_home.add_journal("v1", "v2", "v3"), {"v1", "v2", "v3"}),
    "waiting": (lambda m: made_home.add_approval("v1"), {"v1"}),
    "approved": (lambda m: made_home.add_approval("v1", "approved"), {"v1"}),
    "roll-out": (lambda m: made_home.add_last("v1"), {"v1"}),
    "active": (lambda m: made_home.add_active("v1", "v2"), {"v1", "v2"}),
    "candidate": (lambda m: made_home.add_candidate("v1"), {"v1"}),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_named_stays(deployed: MadeHome, rule: str) -> None:
    make_champion("v4")
    assert gone(deployed) == ALL_OLD - {"v4", "v8"}
    name, kept = RULES[rule]
    name(deployed)
    champion = set() if rule == "champion" else {"v4"}
    assert gone(deployed) == ALL_OLD - kept - champion - {"v8"}


def test_an_answer_of_no_or_to_an_earlier_comparison_keeps_nothing(deployed: MadeHome) -> None:
    made_home.add_approval("v1", "rejected")
    made_home.add_approval("v2", "approved")
    make_champion("v4", days=-1.0)
    assert gone(deployed) == ALL_OLD - {"v4", "v8"}


def test_the_image_that_compose_goes_back_to_stays(deployed: MadeHome) -> None:
    last = deployed.root / "deployments" / "compose-last.yaml"
    last.write_text(f"    image: registry.example/{made_home.tag('v3')}\n")
    assert gone(deployed) == ALL_OLD - {"v3", "v8"}


BOOKS = {
    "champion": "champions/digits.json",
    "history": "deployments/history/digits.json",
    "journal": "deployments/promotions/digits.json",
    "waiting": "deployments/approvals/digits/v1.json",
    "roll-out": "deployments/roll-outs/digits.json",
}


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["torn", "of another", "folder", "link to nothing"])
@pytest.mark.parametrize("book", BOOKS)
def test_a_damaged_book_keeps_all_of_its_model(deployed: MadeHome, book: str, damage: str) -> None:
    deployed.deploy("w1", days=9, model="shapes")
    deployed.deploy("w2", days=8, model="shapes")
    RULES[book][0](deployed)
    _damage(deployed.root / BOOKS[book], damage)
    plan = survey(1)
    assert deployed.names(plan) == belongings("w1", "shapes"), "the other model is not touched"
    assert list(plan.staying.doubts) == [MODEL]
    assert "digits" in plan.staying.doubts[MODEL]
    assert {each.why.partition(":")[0] for each in plan.left} == {"it cannot be told what stays"}
    assert len(plan.left) == 4 * 7  # all but the newest, and where it can be read the named one
    assert not plan.is_sure


def _damage(path: Path, damage: str) -> None:
    text = path.read_text()
    path.unlink()
    if damage == "torn":
        path.write_text(text[: len(text) // 2])
    elif damage == "of another":
        path.write_text(text.replace("digits", "shapes"))
    elif damage == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.with_name("nowhere"))


@pytest.mark.fault
@pytest.mark.parametrize("pointer", ["active", "candidate"])
def test_a_damaged_pointer_of_the_service_keeps_everything(
    deployed: MadeHome, pointer: str
) -> None:
    RULES[pointer][0](deployed)
    (deployed.root / "serving" / f"{pointer}.json").write_text("{")
    plan = survey(1)
    assert not plan.goes
    assert len(plan.left) == 4 * 7
    assert f"the {pointer} pointer" in plan.staying.doubts[""]


FOLDERS = (
    *("champions", "bundles", "passports"),
    *(f"deployments/{kind}" for kind in ("history", "promotions", "approvals", "roll-outs")),
)


@pytest.mark.fault
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_cannot_be_read_keeps_everything(deployed: MadeHome, folder: str) -> None:
    path = deployed.root / folder
    if path.exists():
        path.rename(path.with_name("moved"))
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file where a folder has to be")
    plan = survey(1)
    assert not plan.goes
    assert f"{path} cannot be read (Not a directory)" in plan.staying.doubts[""]


@pytest.mark.fault
def test_a_pointer_that_is_gone_while_there_were_champions_is_damage(deployed: MadeHome) -> None:
    made_home.add_history("v2", root=deployed.root)
    plan = survey(1)
    assert not plan.goes
    assert "digits had champions, and has no pointer" in plan.staying.doubts[MODEL]


def test_when_a_version_was_made_is_in_its_manifest(made: MadeHome) -> None:
    made.deploy("v1", days=1)
    write_fake_bundle(made.root / "bundles" / MODEL / "v9", name=MODEL, version="v9")
    made_home.age(made.root / "bundles" / MODEL / "v9", hours=0)
    assert find_known(made.root).newest(MODEL, 1) == ("v1",), "v9 says that it is of January"


def test_a_bundle_that_is_being_made_is_no_version(deployed: MadeHome) -> None:
    (deployed.root / "bundles" / MODEL / ".making-abcd1234").mkdir()
    assert gone(deployed, keep=1) == ALL_OLD - {"v8"}
