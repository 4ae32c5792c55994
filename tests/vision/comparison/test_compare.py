from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.fake_bundle import CLASSES, seal, write_fake_bundle
from tests.synthetic import make_table
from vision.bundles.load import ServingModel
from vision.bundles.manifest import read_manifest, write_manifest
from vision.comparison.compare import compare_models
from vision.comparison.comparison import Comparison
from vision.comparison.contest import Contest
from vision.comparison.cost import measure_costs
from vision.comparison.judge import Cost
from vision.config.deployment import CompareConfig
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ModelError

pytestmark = pytest.mark.unit

CONFIG = CompareConfig(least_slice=10)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("data"), 30)


def model(
    folder: Path, version: str, classes: tuple[str, ...] = CLASSES, digest: str | None = None
) -> ServingModel:
    """A network that tells the colours apart; other classes make it call them wrongly."""
    write_fake_bundle(folder, version=version)
    if classes != CLASSES:
        (folder / "labels.json").write_text(json.dumps(classes))
        seal(folder, version=version, classes=classes)
    manifest = read_manifest(folder)
    lineage = manifest.lineage.model_copy(update={"data_digest": digest})
    write_manifest(folder, manifest.model_copy(update={"lineage": lineage}))
    return ServingModel.load(folder)


def costs(*latencies_ms: float) -> Callable[[Sequence[Path]], tuple[Cost, ...]]:
    def measure(folders: Sequence[Path]) -> tuple[Cost, ...]:
        given = latencies_ms or (1.0,) * len(folders)
        return tuple(Cost(latency_ms=each, memory_mb=50.0) for each in given[: len(folders)])

    return measure


def compared(
    challenger: ServingModel, champion: ServingModel | None, table: AnnotationTable
) -> Comparison:
    return compare_models(Contest(challenger, champion, table, "test"), CONFIG, costs())


def sentences(found: Comparison) -> dict[str, str]:
    return {reason.rule: reason.sentence for reason in found.reasons}


SWAPPED = ("green", "red", "blue")


def test_pl07_a_better_model_replaces_a_worse_one_and_never_the_other_way_round(
    tmp_path: Path, table: AnnotationTable
) -> None:
    good, bad = model(tmp_path / "good", "v2"), model(tmp_path / "bad", "v1", SWAPPED)

    up, down = compared(good, bad, table), compared(bad, good, table)

    assert (up.verdict, up.n_images, up.champion, up.challenger) == ("promote", 90, "v1", "v2")
    assert up.difference is not None
    assert (up.difference.champion, up.difference.challenger) == (pytest.approx(1 / 3), 1.0)
    assert up.mcnemar is not None
    assert (up.mcnemar.only_champion, up.mcnemar.only_challenger) == (0, 60)
    assert [(each.name, each.champion, each.challenger) for each in up.slices] == [
        ("blue", 1.0, 1.0),
        ("green", 0.0, 1.0),
        ("red", 0.0, 1.0),
    ]
    assert down.verdict == "reject"
    assert {r.rule for r in down.reasons if r.verdict == "reject"} == {"metric", "slices", "golden"}
    assert sentences(down)["golden"] == "1 of 3 golden images right, the champion 3"


def test_pl07_an_equal_model_is_rejected(tmp_path: Path, table: AnnotationTable) -> None:
    found = compared(model(tmp_path / "a", "v1"), model(tmp_path / "b", "v2"), table)

    assert found.verdict == "reject"
    assert (
        "difference +0.0000 [+0.0000, +0.0000] at 95%, not above +0" in sentences(found)["metric"]
    )


def test_the_order_of_the_classes_in_a_model_changes_nothing(
    tmp_path: Path, table: AnnotationTable
) -> None:
    """Classes are matched by name: this one calls red green in its own order."""
    champion = model(tmp_path / "champion", "v1", SWAPPED)

    found = compared(model(tmp_path / "challenger", "v2", SWAPPED), champion, table)

    assert found.difference is not None
    assert found.difference.value == 0.0
    assert "comparable" not in sentences(found)


def test_the_first_model_has_no_champion_to_beat(tmp_path: Path, table: AnnotationTable) -> None:
    found = compared(model(tmp_path / "a", "v1"), None, table)

    assert (found.verdict, found.champion, found.difference) == ("promote", None, None)
    assert sentences(found)["metric"] == (
        "there is no champion yet; the accuracy of the evaluation is 1.0000"
    )


def test_pl07_nan_never_promotes_even_without_a_champion(
    tmp_path: Path, table: AnnotationTable
) -> None:
    challenger = model(tmp_path / "a", "v1")
    manifest = challenger.manifest.model_copy(update={"metrics": {"accuracy": None}})
    write_manifest(challenger.folder, manifest)

    found = compared(ServingModel.load(challenger.folder), None, table)

    assert found.verdict == "reject"
    assert sentences(found)["metric"] == "the accuracy of the evaluation is not a number"


def test_a_run_again_finds_the_champion_in_place(tmp_path: Path, table: AnnotationTable) -> None:
    champion = model(tmp_path / "a", "v1")

    found = compared(champion, champion, table)

    assert (found.verdict, sentences(found)) == (
        "promote",
        {"champion": "v1 is the champion already"},
    )
    assert [cost.latency_ms for cost in found.costs] == [1.0], "its passport tells what it costs"


def test_other_classes_are_for_a_person_to_decide(tmp_path: Path, table: AnnotationTable) -> None:
    champion = model(tmp_path / "champion", "v1", ("green", "red", "violet"))

    found = compared(model(tmp_path / "challenger", "v2"), champion, table)

    assert found.verdict == "inconclusive"
    assert found.n_images == 60
    assert sentences(found)["comparable"] == (
        "the challenger adds blue and lacks violet; the two were compared on the classes that both "
        "know, so somebody must approve it"
    )


def test_one_class_in_common_is_refused(tmp_path: Path, table: AnnotationTable) -> None:
    champion = model(tmp_path / "champion", "v1", ("green", "pink", "violet"))

    with pytest.raises(ModelError, match="1 in common"):
        compared(model(tmp_path / "challenger", "v2"), champion, table)


def test_another_revision_of_the_images_is_for_a_person_to_decide(
    tmp_path: Path, table: AnnotationTable
) -> None:
    bad = model(tmp_path / "bad", "v1", SWAPPED, digest="0" * 64)
    same = model(tmp_path / "same", "v2", digest=table.digest)
    other = model(tmp_path / "other", "v3", digest="1" * 64)

    # That the champion comes from older data is how it should be.
    assert compared(same, bad, table).verdict == "promote"
    found = compared(other, bad, table)
    assert found.verdict == "inconclusive"
    assert "made from other data than these images" in sentences(found)["comparable"]


def test_a_model_that_is_too_slow_is_rejected(tmp_path: Path, table: AnnotationTable) -> None:
    contest = Contest(
        model(tmp_path / "good", "v2"), model(tmp_path / "bad", "v1", SWAPPED), table, "test"
    )

    found = compare_models(contest, CONFIG, costs(2.5, 1.0))

    assert [r.rule for r in found.reasons if r.verdict == "reject"] == ["cost"]
    assert (
        "2.50 times the champion's 1.00 ms; at most 2 times are allowed" in sentences(found)["cost"]
    )


def test_an_empty_split_is_named(tmp_path: Path, table: AnnotationTable) -> None:
    without = table.keep(table.frame["split"] != "test")

    with pytest.raises(DatasetError, match=r"split test of .* has no image to compare models on"):
        compared(model(tmp_path / "a", "v1"), model(tmp_path / "b", "v2"), without)


def test_a_comparison_is_read_back_as_it_was(tmp_path: Path, table: AnnotationTable) -> None:
    good, bad = model(tmp_path / "good", "v2"), model(tmp_path / "bad", "v1", SWAPPED)
    found = compared(good, bad, table)

    assert Comparison.model_validate_json(found.model_dump_json()) == found


@pytest.mark.integration
def test_costs_are_measured_in_processes_of_their_own(tmp_path: Path) -> None:
    champion = model(tmp_path / "a", "v1")

    found = measure_costs([champion.folder, champion.folder])

    assert len(found) == 2
    for each in found:
        assert np.isfinite([each.latency_ms, each.memory_mb]).all()
        assert 0.0 < each.latency_ms < 1_000.0
        assert 0.0 < each.memory_mb < 500.0


@pytest.mark.integration
def test_a_bundle_that_cannot_be_measured_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the cost of .* cannot be measured: .*is no bundle"):
        measure_costs([tmp_path])
