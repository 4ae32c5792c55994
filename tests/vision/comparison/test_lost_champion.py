"""PL-07: a champion that there is, and that cannot be compared with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic import make_table
from tests.vision.comparison.test_compare import CONFIG, costs, model, sentences
from vision.bundles.load import ServingModel
from vision.bundles.manifest import read_manifest, write_manifest
from vision.comparison.compare import compare_models
from vision.comparison.contest import Contest, LostChampion
from vision.datasets.table import AnnotationTable

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("data"), 5)


@pytest.mark.fault
@pytest.mark.parametrize("version", ["v1", None])
def test_pl07_a_champion_that_is_lost_is_not_replaced_by_itself(
    tmp_path: Path, table: AnnotationTable, version: str | None
) -> None:
    lost = LostChampion(version, "the champion v1 is not in the model store; restore it")
    contest = Contest(model(tmp_path / "a", "v2"), None, table, "test", lost)

    found = compare_models(contest, CONFIG, costs())

    assert (found.verdict, found.champion, found.n_images) == ("inconclusive", version, 0)
    assert sentences(found)["champion"] == (
        "the champion v1 is not in the model store; restore it, or approve v2"
    )
    assert sentences(found)["metric"] == "the accuracy of the evaluation is 1.0000"


@pytest.mark.fault
def test_pl07_nan_is_rejected_although_the_champion_is_lost(
    tmp_path: Path, table: AnnotationTable
) -> None:
    folder = model(tmp_path / "a", "v2").folder
    manifest = read_manifest(folder).model_copy(update={"metrics": {"accuracy": None}})
    write_manifest(folder, manifest)
    lost = LostChampion("v1", "the champion v1 is not in the model store; restore it")

    contest = Contest(ServingModel.load(folder), None, table, "test", lost)

    assert compare_models(contest, CONFIG, costs()).verdict == "reject"
