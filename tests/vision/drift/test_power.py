"""What is measured: sure changes are always found, changes of nothing as often as false alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.drift_bundle import make_images, write_drift_bundle
from tests.fake_bundle import CLASSES
from vision.bundles.load import ServingModel
from vision.config.drift import DriftConfig
from vision.drift import power
from vision.drift.corruptions import SCENARIOS, SEVERITIES
from vision.drift.detectors import DriftDetectors
from vision.drift.held_out import HeldOut
from vision.drift.power import measure_power, see_images, sizes_to_try
from vision.drift.power_table import Harm, PowerTable
from vision.errors import ModelError

pytestmark = pytest.mark.unit

DRIFT = DriftConfig(seed=3)
NO_PLACES = np.empty(0, np.intp)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "one"
    write_drift_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def serving(folder: Path) -> ServingModel:
    return ServingModel.load(folder)


@pytest.fixture(scope="module")
def detectors(folder: Path) -> DriftDetectors:
    return DriftDetectors.load(folder)


@pytest.fixture(scope="module")
def held_out(serving: ServingModel) -> HeldOut:
    images = list(make_images(250, 1))
    labels = [CLASSES[index] for index in see_images(serving, images).classes]
    return HeldOut(images, labels, "test", NO_PLACES)


@pytest.fixture(scope="module")
def table(serving: ServingModel, held_out: HeldOut, detectors: DriftDetectors) -> PowerTable:
    return measure_power(serving, held_out, detectors, DRIFT)


def test_every_change_was_tried_at_every_size(table: PowerTable):
    assert table.sizes == (20, 50, 100)
    assert table.not_tried == ()
    assert table.n_images == 250
    assert len(table.changes) == 1 + len(SCENARIOS) * len(SEVERITIES)
    assert len(table.entries) == len(table.changes) * 3
    assert {entry.n_windows for entry in table.entries} == {500}


def test_what_moves_the_embedding_surely_is_found_in_the_fewest_images(table: PowerTable):
    # Half of the light is half of the channel means, which are the embedding.
    assert table.entry("dark", 3, 20).share == 1.0
    assert table.entry("dark", 3, 20).by_view["uae"] == 1.0
    assert table.promise("dark", 3) == 20
    assert "uae" in table.seen_by("dark", 3)


def test_what_moves_no_mean_is_seen_by_the_properties_alone(table: PowerTable):
    shares = table.entry("blur", 3, 50).by_view
    assert shares["properties"] == 1.0
    assert shares["uae"] < 0.1


def test_no_change_is_found_as_often_as_false_alarms(table: PowerTable):
    # One check in 20 is wanted; one set of images stands behind all windows.
    assert table.entry("clean", 0, 100).share < 0.15
    assert table.harm("clean", 0).changed == 0.0
    assert table.harm("clean", 0).accuracy == 1.0


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        # At severities 1, 2 and 3; the whole table has 20, 50 and 100.
        ((25,) * 10, ((20, 50), (20, 50), (20,))),
        ((12,) * 20 + (10,), ((20, 50), (20,), ())),
        ((60, 60, 60, 70), ((20, 50, 100),) * 2 + ((20, 50),)),
    ],
)
def test_no_image_comes_twice_where_one_class_comes_more_often(
    counts: tuple[int, ...],
    sizes: tuple[tuple[int, ...], ...],
    serving: ServingModel,
    held_out: HeldOut,
    detectors: DriftDetectors,
    monkeypatch: pytest.MonkeyPatch,
):
    labels = [CLASSES[0] + str(index) for index in np.repeat(np.arange(len(counts)), counts)]
    windows: list[Any] = []
    drawn = power._windows
    monkeypatch.setattr(
        power, "_windows", lambda *given: windows.append(list(drawn(*given))) or windows[-1]
    )
    # Of names that are none of the model's classes, nobody can say which answers are right.
    monkeypatch.setattr(
        power, "_harm", lambda change, *_: Harm(**named(change), changed=0.0, accuracy=None)
    )
    monkeypatch.setattr(power, "SCENARIOS", ("class_shift",))
    few = HeldOut(held_out.images, labels, "test", NO_PLACES)
    table = measure_power(serving, few, detectors, DRIFT)
    assert table.sizes == (20, 50, 100)
    assert tuple(table.sizes_of("class_shift", severity) for severity in SEVERITIES) == sizes
    assert [len(each[0]) for each in windows] == [100, *(max(each) for each in sizes if each)]
    assert all(len(set(window)) == len(window) for each in windows for window in each)


def named(change: Any) -> dict[str, Any]:
    return {"kind": change.kind, "severity": change.severity}


def test_a_class_that_comes_more_often_is_seen_by_the_classes(table: PowerTable):
    assert table.promise("class_shift", 3) is not None
    assert table.entry("class_shift", 3, 100).by_view["classes"] == 1.0
    assert (
        table.entry("class_shift", 3, 100).by_view["classes"]
        > (table.entry("class_shift", 1, 20).by_view["classes"])
    )


def test_more_images_never_find_less(table: PowerTable):
    for kind, severity in table.changes:
        shares = [table.entry(kind, severity, size).share for size in table.sizes]
        assert shares == sorted(shares)
        for view in table.views:
            alone = [table.entry(kind, severity, size).by_view[view] for size in table.sizes]
            assert alone == sorted(alone)
            assert all(one <= whole for one, whole in zip(alone, shares, strict=True))


def test_harm_is_counted(table: PowerTable):
    assert table.harm("channel_swap", 3).changed == 1.0
    # Red and blue change places, green stays.
    assert table.harm("channel_swap", 3).accuracy == pytest.approx(1 / 3, abs=0.1)
    assert table.harm("channel_swap", 1).changed == pytest.approx(0.25, abs=0.01)
    assert table.harm("channel_swap", 1).accuracy == pytest.approx(1 - 0.25 * 2 / 3, abs=0.1)
    assert table.harm("new_class", 3).accuracy is None
    assert table.harm("class_shift", 3).changed == 0.0


def test_a_corruption_that_does_nothing_is_no_drift(
    serving: ServingModel,
    held_out: HeldOut,
    detectors: DriftDetectors,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(power, "corrupt", lambda images, *_: [image.copy() for image in images])
    monkeypatch.setattr(power, "SCENARIOS", ("blur", "new_class"))
    table = measure_power(serving, held_out, detectors, DRIFT)
    for kind, severity in table.changes:
        assert table.entry(kind, severity, 100).share < 0.15
        assert table.harm(kind, severity).changed == 0.0


def test_the_same_seed_gives_the_same_table(
    serving: ServingModel,
    held_out: HeldOut,
    detectors: DriftDetectors,
    table: PowerTable,
    monkeypatch: pytest.MonkeyPatch,
):
    again = measure_power(serving, held_out, detectors, DRIFT)
    assert again.model_dump_json() == table.model_dump_json()
    monkeypatch.setattr(power, "SCENARIOS", SCENARIOS[:2])
    other = measure_power(serving, held_out, detectors, DriftConfig(seed=4))
    assert other.entries != table.entries[: len(other.entries)]


def test_tested_images_do_not_stand_in_the_reference(
    serving: ServingModel,
    held_out: HeldOut,
    detectors: DriftDetectors,
    monkeypatch: pytest.MonkeyPatch,
):
    seen: list[Any] = []
    checks = power.WindowChecks
    monkeypatch.setattr(
        power,
        "WindowChecks",
        lambda file, reference, rows: seen.append(reference) or checks(file, reference, rows),
    )
    monkeypatch.setattr(power, "SCENARIOS", ("blur",))
    own = HeldOut(held_out.images, held_out.labels, "validation", np.arange(100))
    assert measure_power(serving, own, detectors, DRIFT).split == "validation"
    for reference in seen:
        assert np.array_equal(reference.uae, detectors.reference.uae[100:])


def test_images_of_other_sizes_are_seen_as_the_service_sees_them(serving: ServingModel):
    images = [np.full((h, w, 3), (250, 20, 20), np.uint8) for h, w in ((8, 8), (3, 5), (200, 90))]
    rows = see_images(serving, images)
    assert rows.uae == pytest.approx(np.tile([250.0, 20.0, 20.0], (3, 1)))
    assert rows.classes.tolist() == [0, 0, 0]
    assert rows.properties[:, 4] == pytest.approx([250 / 255] * 3)


def test_a_window_takes_half_of_the_images_at_most():
    assert sizes_to_try(199, (50, 100, 200)) == (50,)
    assert sizes_to_try(200, (50, 100, 200)) == (50, 100)
    assert sizes_to_try(39, (20, 50)) == ()


def test_too_few_images_are_refused(
    serving: ServingModel, held_out: HeldOut, detectors: DriftDetectors
):
    few = HeldOut(held_out.images[:39], held_out.labels[:39], "test", NO_PLACES)
    with pytest.raises(ModelError, match=r"39 held-out images are too few .* windows of 20"):
        measure_power(serving, few, detectors, DRIFT)
    half = HeldOut(held_out.images[:60], held_out.labels[:60], "test", NO_PLACES)
    table = measure_power(serving, half, detectors, DRIFT)
    assert (table.sizes, table.not_tried) == ((20,), (50, 100))
