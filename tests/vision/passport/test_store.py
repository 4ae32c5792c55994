"""Passports are written whole, found by their names, and refused where they are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.vision.passport.samples import bare_passport, whole_passport
from vision.errors import BundleError, VisionError
from vision.passport.passport import Passport
from vision.passport.store import find_passport, read_passport, write_passport

pytestmark = pytest.mark.unit


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def passport(tmp_path: Path) -> Passport:
    return bare_passport(tmp_path)


def test_it_is_found_by_version_model_and_path(home: Path, passport: Passport) -> None:
    path, page = write_passport(passport, "<p>é", b"{}")
    folder = home / "passports" / passport.name
    assert sorted(each.name for each in folder.iterdir()) == [
        f"{passport.version}{suffix}" for suffix in (".cdx", ".html", ".json")
    ]
    assert page.read_text(encoding="utf-8") == "<p>é"
    version = passport.version
    for wanted in (version, f"{passport.name}/{version}", str(path)):
        assert find_passport(wanted) == path
        assert read_passport(find_passport(wanted)) == passport


def test_a_version_that_is_deployed_again_gets_a_new_one(home: Path, tmp_path: Path) -> None:
    one = whole_passport(tmp_path / "one")
    write_passport(one, "old")
    later = one.model_copy(update={"created_at": one.model.made_at})
    path, page = write_passport(later, "new")
    assert read_passport(path) == later
    assert page.read_text() == "new"


def test_two_models_with_one_version_have_to_be_told_apart(home: Path, passport: Passport) -> None:
    write_passport(passport, "")
    write_passport(passport.model_copy(update={"name": "other"}), "")
    version = passport.version
    with pytest.raises(VisionError, match=f"say colours/{version} or other/{version}"):
        find_passport(version)
    assert find_passport(f"other/{version}").parent.name == "other"


@pytest.mark.parametrize("wanted", ["*", "a/*", "../x", "a/b/c", "", "[ab]"])
def test_other_names_are_refused(home: Path, passport: Passport, wanted: str) -> None:
    write_passport(passport, "")
    with pytest.raises(BundleError, match="are allowed"):
        find_passport(wanted)


def test_one_that_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(VisionError, match=r"no passport of v7 in .*deploy the version"):
        find_passport("v7")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no passport: the file: Invalid JSON"),
        (b"{}", "is no passport: name: Field required"),
        (b'{"schema_version": 2}', "is no passport: schema_version"),
    ],
)
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(VisionError, match=why):
        read_passport(tmp_path / "p.json")
    with pytest.raises(VisionError, match=r"cannot be read \(No such file"):
        read_passport(tmp_path / "no.json")


def test_what_it_does_not_know_is_refused(tmp_path: Path, passport: Passport) -> None:
    odd = {**json.loads(passport.model_dump_json()), "odd": 1}
    (tmp_path / "p.json").write_text(json.dumps(odd))
    with pytest.raises(VisionError, match="odd: Extra inputs are not permitted"):
        read_passport(tmp_path / "p.json")


def test_where_nothing_can_be_written_the_old_one_stays(home: Path, passport: Passport) -> None:
    path, page = write_passport(passport, "old")
    before = path.read_bytes()
    page.unlink()
    page.mkdir()
    with pytest.raises(VisionError, match="cannot be written to"):
        write_passport(passport, "new")
    assert path.read_bytes() == before
