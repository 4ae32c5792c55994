"""PL-07: which champion a challenger is compared with, and what becomes of one that is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serving.models.store import bundle_folder
from steps.compare_models import compare_models, find_champion
from steps.promotion.history import write_history
from steps.promotion.journal import Journal
from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.synthetic import make_table
from vision.bundles.build import Bundle
from vision.bundles.champion import Champion, write_champion
from vision.bundles.manifest import read_manifest
from vision.comparison.comparison import Comparison
from vision.comparison.decision import decide
from vision.config import EvaluationConfig
from vision.config.deployment import CompareConfig

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("home")]

MODEL = "lost"


def point_at(version: str) -> None:
    """The pointer alone, as it is left by a store that was restored in part."""
    write_champion(Champion(name=MODEL, version=version, bento_model=f"{MODEL}:{version}"))


def compared(tmp_path: Path, images: str = "images") -> Comparison:
    folder = store_version("v2", MODEL)
    found = compare_models.entrypoint(
        make_table(tmp_path / images, 5),
        Bundle(folder, read_manifest(folder)),
        EvaluationConfig(),
        CompareConfig(max_latency_ratio=None),
    )
    assert isinstance(found, Comparison)
    return found


def test_a_model_that_never_had_a_champion_has_a_first_version(tmp_path: Path) -> None:
    found = compared(tmp_path)
    assert (found.verdict, found.champion) == ("promote", None)
    assert found.reasons[0].sentence.startswith("there is no champion yet")


def test_the_champion_of_now_is_compared_with(tmp_path: Path) -> None:
    make_champion("v1", MODEL)
    assert compared(tmp_path).champion == "v1"
    point_at("v2")
    assert compared(tmp_path, "again").reasons[0].sentence == "v2 is the champion already"


@pytest.mark.fault
def test_pl07_a_champion_whose_bundle_is_gone_is_no_first_version(tmp_path: Path) -> None:
    point_at("v1-gone")
    found = compared(tmp_path)
    assert (found.verdict, found.champion) == ("inconclusive", "v1-gone")
    assert found.reasons[0].sentence == (
        "the champion v1-gone is not in the model store; restore it, or approve v2"
    )
    assert decide(found, "auto", None).outcome == "wait"


@pytest.mark.fault
def test_pl07_a_champion_whose_bundle_is_damaged_is_no_first_version(tmp_path: Path) -> None:
    folder = make_champion("v1-damaged", MODEL)
    (folder / "labels.json").write_text("[]")
    found = compared(tmp_path)
    assert (found.verdict, found.champion) == ("inconclusive", "v1-damaged")
    assert found.reasons[0].sentence.startswith("the champion v1-damaged is damaged (")
    shutil.rmtree(bundle_folder(f"{MODEL}:v1-damaged").parent)


@pytest.mark.fault
def test_pl07_a_damaged_pointer_is_no_first_version(tmp_path: Path, home: Path) -> None:
    path = home / "champions" / f"{MODEL}.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    found = compared(tmp_path)
    assert (found.verdict, found.champion) == ("inconclusive", None)
    assert found.reasons[0].sentence == (
        f"the champion pointer {path} is damaged; restore the file, or approve v2"
    )


@pytest.mark.fault
def test_pl07_a_pointer_that_is_gone_is_no_first_version(home: Path) -> None:
    write_history(Journal(action="promote", model=MODEL, to="v1", former=None, number=1))
    champion, lost = find_champion(MODEL)
    assert (champion, lost and lost.version) == (None, None)
    assert lost is not None
    path = home / "champions" / f"{MODEL}.json"
    assert lost.why == (
        f"{MODEL} has had champions, and their pointer {path} is not there; restore the file"
    )
