"""Tests of serving/models/locate.py."""

from pathlib import Path

import pytest

from serving.models import locate
from serving.models.active import Active, locked, write_active
from serving.models.locate import (
    Choice,
    check_not_pinned,
    choose_bundle,
    choose_champion,
    choose_settled,
    pointer_signature,
)
from serving.models.state import ModelPinned
from serving.models.store import bundle_folder
from tests.serving.models.versions import promote, store_version
from vision.bundles.champion import Champion, write_champion
from vision.errors import BundleError

pytestmark = pytest.mark.unit

COMMANDS = r"run `make demo`, or `python run\.py --config configs/train\.yaml`"


def point_at(name: str, version: str, generation: int = 1) -> None:
    """Writes the active pointer, whether or not there is such a version."""
    with locked(1.0):
        tag = f"{name}:{version}".lower()
        write_active(Active(name=name, version=version, bento_model=tag, generation=generation))


def test_without_a_model_the_command_is_named() -> None:
    with pytest.raises(BundleError, match=f"there is no model to serve yet; {COMMANDS}"):
        choose_bundle()


def test_the_newest_champion_is_served() -> None:
    promote("v1", "cats", day=1)
    newest = promote("v1", "digits", day=2)
    choice = choose_bundle()
    assert (choice.folder, choice.generation) == (newest, 0)
    assert choice.stored is not None
    assert choice.stored.name == "digits"


def test_the_active_version_comes_before_the_champion() -> None:
    promote("v2", "cats")
    older = store_version("v1", "cats")
    point_at("cats", "v1", generation=7)
    choice = choose_bundle()
    assert (choice.folder, choice.generation) == (older, 7)
    assert choose_champion().folder == bundle_folder("cats:v2")


def test_a_name_chooses_its_champion(monkeypatch: pytest.MonkeyPatch) -> None:
    older = promote("v1", "cats", day=1)
    promote("v1", "digits", day=2)
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    assert choose_bundle().folder == older


def test_a_name_chooses_what_was_activated_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    champion = promote("v2", "cats")
    older = store_version("v1", "cats")
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    point_at("cats", "v1")
    assert choose_bundle().folder == older
    point_at("digits", "v1", generation=2)
    assert (choose_bundle().folder, choose_bundle().generation) == (champion, 0)


def test_a_version_needs_neither_champion_nor_pointer(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = store_version("v1", "Cats")
    promote("v2", "Cats")
    point_at("Cats", "v2")
    monkeypatch.setenv("VISIONSTACK_MODEL", "Cats:v1")
    choice = choose_bundle()
    assert (choice.folder, choice.generation) == (folder, 0)


def test_a_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promote("v1", "cats")
    point_at("cats", "v1")
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(tmp_path / "elsewhere"))
    choice = choose_bundle()
    assert (choice.folder, choice.stored) == (tmp_path / "elsewhere", None)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("dogs", f"'dogs' of VISIONSTACK_MODEL has no champion yet; {COMMANDS}"),
        ("dogs:v1", "model 'dogs:v1' is not in the BentoML model store"),
        ("../etc/passwd", r"VISIONSTACK_MODEL: model name '\.\./etc/passwd'"),
        ("s3://evil/x", "VISIONSTACK_MODEL: model version '//evil/x'"),
    ],
)
def test_a_wrong_choice_is_named(
    monkeypatch: pytest.MonkeyPatch, wanted: str, message: str
) -> None:
    monkeypatch.setenv("VISIONSTACK_MODEL", wanted)
    with pytest.raises(BundleError, match=message):
        choose_bundle()


def test_a_pointer_to_a_bundle_that_was_deleted_is_named() -> None:
    write_champion(Champion(name="cats", version="v1", bento_model="cats:v1"))
    message = f"the {{}} of 'cats' is gone: model 'cats:v1' is not in .*; {COMMANDS}"
    with pytest.raises(BundleError, match=message.format("champion")):
        choose_bundle()
    point_at("cats", "v1")
    with pytest.raises(BundleError, match=message.format("active version")):
        choose_bundle()


@pytest.mark.parametrize(
    ("variable", "value", "name", "is_pinned"),
    [
        ("VISIONSTACK_BUNDLE", "/some/folder", "cats", True),
        ("VISIONSTACK_BUNDLE", "/some/folder", None, True),
        ("VISIONSTACK_MODEL", "cats:v1", "cats", True),
        ("VISIONSTACK_MODEL", "../x:y", None, True),
        ("VISIONSTACK_MODEL", "cats", "dogs", True),
        ("VISIONSTACK_MODEL", "cats", "cats", False),
        ("VISIONSTACK_MODEL", "cats", None, False),
        ("VISIONSTACK_MODEL", "", "cats", False),
    ],
)
def test_what_the_environment_pins_cannot_be_changed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str | None, is_pinned: bool
) -> None:
    monkeypatch.setenv(variable, value)
    if is_pinned:
        with pytest.raises(ModelPinned, match=f"{variable} pins the served model; start the"):
            check_not_pinned(name)
    else:
        check_not_pinned(name)


def test_every_change_of_a_pointer_shows() -> None:
    seen = [pointer_signature()]
    promote("v1", "cats")
    seen.append(pointer_signature())
    for generation in (1, 2):
        point_at("cats", "v1", generation)
        seen.append(pointer_signature())
    assert len(set(seen)) == 4
    assert pointer_signature() == seen[-1]


def test_a_pointer_that_is_still_being_written_does_not_show(home: Path) -> None:
    promote("v1", "cats")
    seen = pointer_signature()
    (home / "champions" / ".cats.x1y2.tmp").write_text("{")
    assert pointer_signature() == seen


@pytest.mark.parametrize("is_read_first", [True, False])
def test_a_choice_comes_with_the_pointers_that_say_so(
    monkeypatch: pytest.MonkeyPatch, is_read_first: bool
) -> None:
    promote("v1", day=1)
    choose, chosen = choose_bundle, list[str]()

    def while_one_promotes() -> Choice:
        if not chosen and not is_read_first:
            promote("v2", day=2)
        choice = choose()
        if not chosen and is_read_first:
            promote("v2", day=2)
        assert choice.stored is not None
        chosen.append(choice.stored.version)
        return choice

    monkeypatch.setattr(locate, "choose_bundle", while_one_promotes)
    choice, seen = choose_settled()
    assert isinstance(choice, Choice)
    assert choice == choose()
    assert chosen == (["v1", "v2"] if is_read_first else ["v2", "v2"])
    assert seen == pointer_signature()


def test_pointers_that_never_settle_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    promote("v1")
    numbers = iter(range(100))
    monkeypatch.setattr(locate, "pointer_signature", lambda: ((next(numbers), 0, 0),))
    choice, seen = choose_settled()
    assert isinstance(choice, Choice)
    assert seen == ((4, 0, 0),), "older than what the next look sees"


def test_why_there_is_no_choice_comes_with_the_pointers() -> None:
    problem, seen = choose_settled()
    assert isinstance(problem, BundleError)
    assert str(problem).startswith("there is no model to serve yet")
    assert seen == (None,)
