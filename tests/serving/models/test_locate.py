"""Tests of serving/locate.py."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.models.locate import locate_bundle
from serving.models.store import bundle_folder, save_bundle
from tests.fake_bundle import VERSION, write_fake_bundle
from vision.bundles.champion import Champion, write_champion
from vision.errors import BundleError

COMMANDS = r"run `make demo`, or `python run\.py --config configs/train\.yaml`"


def publish(folder: Path, name: str, version: str = VERSION, day: int = 1) -> str:
    """Stores a bundle and makes it the champion of its name."""
    tag = save_bundle(folder, write_fake_bundle(folder, name=name, version=version), {})
    promoted = datetime(2026, 1, day, tzinfo=UTC)
    write_champion(Champion(name=name, version=version, bento_model=tag, promoted_at=promoted))
    return tag


def test_without_a_model_the_command_is_named() -> None:
    with pytest.raises(BundleError, match=f"there is no model to serve yet; {COMMANDS}"):
        locate_bundle()


def test_the_newest_champion_is_served(tmp_path: Path) -> None:
    publish(tmp_path / "a", "cats", day=1)
    newest = publish(tmp_path / "b", "digits", day=2)
    assert locate_bundle() == bundle_folder(newest)


def test_a_name_chooses_its_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = publish(tmp_path / "a", "cats", day=1)
    publish(tmp_path / "b", "digits", day=2)
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    assert locate_bundle() == bundle_folder(older)


def test_a_version_needs_no_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = write_fake_bundle(tmp_path / "a", name="Cats", version="v1")
    tag = save_bundle(tmp_path / "a", manifest, {})
    monkeypatch.setenv("VISIONSTACK_MODEL", "Cats:v1")
    assert locate_bundle() == bundle_folder(tag)


def test_a_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path / "a", "cats")
    monkeypatch.setenv("VISIONSTACK_MODEL", "cats")
    monkeypatch.setenv("VISIONSTACK_BUNDLE", str(tmp_path / "elsewhere"))
    assert locate_bundle() == tmp_path / "elsewhere"


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
        locate_bundle()


def test_a_champion_whose_bundle_was_deleted_is_named() -> None:
    write_champion(Champion(name="cats", version="v1", bento_model="cats:v1"))
    message = f"the champion of 'cats' is gone: model 'cats:v1' is not in .*; {COMMANDS}"
    with pytest.raises(BundleError, match=message):
        locate_bundle()
