"""What `make image` packs, and what may be in it. Tests of chosen_bento.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from steps.packaging import chosen_bento
from steps.packaging.bento import content_digest
from steps.packaging.chosen_bento import choose_bento
from steps.packaging.containers import PackagingError
from steps.packaging.licences import ALIBI_SENTENCE
from tests.fake_bundle import write_fake_bundle
from tests.steps.packaging.locks import locked_of

pytestmark = pytest.mark.unit

SAID = {"name": "visionstack", "version": "0123", "labels": {"commit": "c" * 40}}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """One without drift detectors, which is as good as one with scipy's."""
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def write_bento(folder: Path, lock: str, described: object = SAID) -> Path:
    for name in ("src/service.py", "apis/openapi.yaml", "README.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / "bento.yaml").write_text(yaml.safe_dump(described))
    (folder / "env" / "python").mkdir(parents=True)
    (folder / "env" / "python" / "requirements.txt").write_text(lock)
    return folder


@pytest.mark.fault
def test_se04_without_options_the_bundle_decides_the_packages(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = write_bento(tmp_path / "built", locked_of("service.txt", "numpy"))
    asked: list[Path] = []

    def build_bento(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(folder=built)

    monkeypatch.setattr(chosen_bento, "build_bento", build_bento)

    found = choose_bento(bundle)

    assert asked == [bundle]
    assert (found.folder, found.digest) == (built, content_digest(built))
    assert found.labels == {
        "visionstack.bento": "visionstack:0123",
        "visionstack.bento.digest": content_digest(built),
        "visionstack.service.commit": "c" * 40,
    }
    assert found.licences.sentence == "1 packages, none under GPL, AGPL, SSPL or BUSL"


def test_packages_that_are_named_are_taken(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = write_bento(tmp_path / "built", locked_of("service.txt", "numpy"))
    monkeypatch.setattr(chosen_bento, "build_bento_now", {"requirements/my.txt": built}.__getitem__)
    assert choose_bento(bundle, requirements="requirements/my.txt").folder == built


@pytest.mark.parametrize("described", ["x", {}, {"labels": None}, {"version": "1"}])
def test_a_bento_that_says_little_has_its_digest(
    described: object, bundle: Path, tmp_path: Path
) -> None:
    bento = write_bento(tmp_path / "mine", locked_of("service.txt", "numpy"), described)
    found = choose_bento(bundle, bento)
    assert found.labels == {"visionstack.bento.digest": content_digest(bento)}


@pytest.mark.fault
def test_se08_alibi_is_refused_for_a_bundle_of_scipy(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = locked_of("service-alibi.txt", "alibi-detect", "numpy")
    bento = write_bento(tmp_path / "mine", lock)
    with pytest.raises(PackagingError) as caught:
        choose_bento(bundle, bento)
    assert str(caught.value) == (
        "licences that may not be in the service: alibi-detect (Business Source License 1.1); "
        "remove what asks for them\nnothing was built; the packages are those of "
        f"{bento}/env/python/requirements.txt, and the bundle has drift.backend: scipy"
    )
    monkeypatch.setattr(chosen_bento, "drift_backend", lambda bundle, manifest: "alibi")
    assert choose_bento(bundle, bento).licences.reported == (ALIBI_SENTENCE,)


@pytest.mark.fault
def test_what_is_no_bento_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match=r"it has no src; build it with `bentoml build`"):
        choose_bento(bundle, tmp_path)
