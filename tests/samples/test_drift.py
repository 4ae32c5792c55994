"""What the drift check finds: seldom anything in fresh images, nearly always what was changed.

The first tests draw coloured noise, which takes seconds; the last ones train on real images and
run the script behind docs/drift-tables.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.drift_bundle import DRIFT, make_images, write_drift_bundle
from vision.bundles.load import ServingModel
from vision.drift.corruptions import corrupt
from vision.drift.detectors import DriftDetectors, calibrate
from vision.drift.power import see_images
from vision.drift.power_table import read_power
from vision.drift.views import DriftRows
from vision.home import repository
from vision.images import decode_image

N_WINDOWS, WINDOW = 1_000, 100
SURE_KINDS = ("blur", "bright", "new_class")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its checks may raise a false alarm in 1 of 20, at windows of 20, 50 and 100 together."""
    assert DRIFT.alarm_rate == pytest.approx(0.05)
    folder = tmp_path_factory.mktemp("drift") / "bundle"
    write_drift_bundle(folder, n_reference=1_000)
    return folder


@pytest.fixture(scope="module")
def serving(bundle: Path) -> ServingModel:
    return ServingModel.load(bundle)


@pytest.fixture(scope="module")
def detectors(bundle: Path) -> DriftDetectors:
    return DriftDetectors.load(bundle)


def share_found(detectors: DriftDetectors, rows: DriftRows, n_windows: int) -> float:
    """Returns the share of windows, none with a row of another, in which there is drift."""
    places = np.arange(n_windows * WINDOW).reshape(n_windows, WINDOW)
    return float(np.mean([detectors.check(rows.take(window)).is_drift for window in places]))


@pytest.mark.integration
@pytest.mark.slow
def test_dr02_fresh_images_seldom_raise_an_alarm(
    detectors: DriftDetectors, serving: ServingModel
) -> None:
    fresh = see_images(serving, make_images(N_WINDOWS * WINDOW // 4, seed=1))
    rng = np.random.default_rng(0)
    shares = [
        share_found(detectors, fresh.take(rng.permutation(len(fresh))), N_WINDOWS // 4)
        for _ in range(4)
    ]
    assert 0.02 <= np.mean(shares) <= 0.07


@pytest.mark.integration
@pytest.mark.parametrize("severity", [2, 3])
@pytest.mark.parametrize("kind", SURE_KINDS)
def test_dr02_a_hundred_changed_images_are_found(
    kind: str, severity: int, detectors: DriftDetectors, serving: ServingModel
) -> None:
    images = corrupt(make_images(4_000, seed=2), kind, severity, np.random.default_rng(severity))
    assert share_found(detectors, see_images(serving, images), 40) >= 0.95


def worst_margin(detectors: DriftDetectors, rows: DriftRows) -> float:
    """Returns the smallest p-value of a check, in thresholds; drift is below 1."""
    return min(test.p_value / test.threshold for test in detectors.check(rows).tests)


@pytest.mark.integration
def test_swapped_channels_are_drift_and_the_same_images_are_not(
    tmp_path: Path,
) -> None:
    # Red and green alone: where all three occur alike, swapped images are the same images again.
    colours = ("green", "red")
    write_drift_bundle(tmp_path / "bundle", colours=colours)
    serving = ServingModel.load(tmp_path / "bundle")
    detectors = DriftDetectors.load(tmp_path / "bundle")
    images = make_images(WINDOW, seed=3, colours=colours)
    assert worst_margin(detectors, see_images(serving, images)) > 1.0
    swapped = detectors.check(see_images(serving, images[..., ::-1]))
    # The embedding is made of the means of red, green and blue.
    assert {"uae", "properties"} <= set(swapped.moved)


@pytest.mark.integration
@pytest.mark.slow
def test_swapped_channels_of_photographs_are_drift(cifar10: Path, serving: ServingModel) -> None:
    files = sorted((cifar10 / "test").glob("*/*.jpg"))
    chosen = np.random.default_rng(0).permutation(len(files))[: 1_000 + WINDOW]
    images = [decode_image(files[place].read_bytes()) for place in chosen]
    reference = see_images(serving, images[WINDOW:])
    file = calibrate(reference, len(serving.manifest.classes), DRIFT)
    detectors = DriftDetectors(file, reference)
    assert worst_margin(detectors, see_images(serving, images[:WINDOW])) > 1.0
    swapped = [np.ascontiguousarray(image[..., ::-1]) for image in images[:WINDOW]]
    found = detectors.check(see_images(serving, swapped))
    assert {"uae", "properties"} <= set(found.moved)
    assert min(test.p_value / test.threshold for test in found.tests) < 0.1


class Measured:
    """A model that was just trained, and what the script found out about its drift check."""

    def __init__(self, config: str, folder: Path, overrides: tuple[str, ...] = ()) -> None:
        sets = [part for override in overrides for part in ("--set", override)]
        home = {**os.environ, "VISIONSTACK_HOME": str(folder / "home")}
        trained = _run(["-m", "vision", "--config", config, *sets], home)
        assert trained.returncode == 0, trained.stderr
        [self.bundle] = (folder / "home" / "bundles").glob("*/*/")
        options = ["--bundle", str(self.bundle), "--config", config, *sets]
        measured = _run(["benchmarks/drift/tables.py", *options], home)
        assert measured.returncode == 0, measured.stderr
        self.figures: dict[str, Any] = json.loads(measured.stdout.splitlines()[0])


def _run(arguments: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=repository(),
        env=variables,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )


def check_figures(measured: Measured) -> None:
    """What holds for every dataset."""
    shares = {float(rate): share for rate, share in measured.figures["procedure"].items()}
    for rate in (1 / 360, 0.01, 0.02, 0.05):
        assert abs(shares[rate] - rate) <= 0.02, shares
    promises = [each for each in measured.figures["detections"] if each["promised"] is not None]
    assert len(promises) >= 20
    # Each promise is one of at least 99 % of windows, and these are other images.
    n_kept = sum(each["n_kept"] for each in promises)
    n_played = sum(len(each["found"]) for each in promises)
    assert n_kept >= 0.97 * n_played, [each for each in promises if each["n_kept"] < 10]
    power = read_power(measured.bundle)
    for kind in SURE_KINDS:
        for severity in (2, 3):
            assert power.entry(kind, severity, WINDOW).share >= 0.95, (kind, severity)


@pytest.mark.soak
@pytest.mark.integration
def test_dr02_digits(tmp_path: Path) -> None:
    check_figures(Measured("configs/train.yaml", tmp_path))


@pytest.mark.soak
@pytest.mark.integration
def test_dr02_photographs(cifar10: Path, tmp_path: Path) -> None:
    measured = Measured("configs/cifar10.yaml", tmp_path, (f"dataset.path={cifar10}",))
    check_figures(measured)
    # Gray digits look the same either way; photographs do not.
    assert read_power(measured.bundle).promise("channel_swap", 3) is not None
