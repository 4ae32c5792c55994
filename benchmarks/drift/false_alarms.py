"""How often a drift check finds drift in fresh held-out images, at several wanted rates.

Two questions, 1,000 windows each. *The procedure*: validation and test images are put together and
divided anew, a dozen times; thresholds come from one part, windows from the other. That is
what whoever trains a model can expect. *This bundle*: windows of its test split against its own
reference set; what is off between these two samples is off in every window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vision.config.drift import DriftConfig
from vision.drift import calibration
from vision.drift.detectors import DriftDetectors, calibrate
from vision.drift.names import VIEWS
from vision.drift.result import DriftResult
from vision.drift.views import DriftRows

N_WINDOWS = 1_000
# Wanted shares of checks; 1 in 360 is "1 per 90 days at 200 images per day".
RATES = (1 / 360, 0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass
class Alarms:
    """False alarms at one wanted rate.

    Attributes:
      rate: wanted share of checks.
      levels: the chance that each single test was given, one for each calibration.
      n_windows: checks that were made.
      n_alarms: of them, those in which any test found drift.
      by_test: those in which this one did, by view and size.
      of_splits: share of checks with a false alarm in each division.
    """

    rate: float
    levels: list[float] = field(default_factory=list)
    n_windows: int = 0
    n_alarms: int = 0
    by_test: dict[tuple[str, int], int] = field(default_factory=dict)
    of_splits: list[float] = field(default_factory=list)

    @property
    def error(self) -> float:
        """Standard error of the share; windows of one division share reference set and images."""
        if len(self.of_splits) > 1:
            return float(np.std(self.of_splits, ddof=1) / np.sqrt(len(self.of_splits)))
        return float(np.sqrt(self.share * (1.0 - self.share) / self.n_windows))

    @property
    def share(self) -> float:
        """Share of checks with a false alarm."""
        return self.n_alarms / self.n_windows

    def note(self, result: DriftResult, thresholds: dict[str, dict[int, float]]) -> None:
        """Counts a check by thresholds that need not be those it was made with."""
        found = [
            (test.view, test.n_images)
            for test in result.tests
            if test.p_value < thresholds[test.view][test.n_images]
        ]
        for test in result.tests:
            self.by_test.setdefault((test.view, test.n_images), 0)
        for key in found:
            self.by_test[key] += 1
        self.n_windows += 1
        self.n_alarms += bool(found)


def of_procedure(
    rows: DriftRows, n_reference: int, n_classes: int, drift: DriftConfig, n_splits: int
) -> list[Alarms]:
    """Divides rows into reference set and fresh images, again and again.

    Args:
      rows: of held-out images, none twice.
      n_reference: rows of each reference set.
      n_classes: classes of the model.
      drift: as the bundle was made with; sizes that leave too few fresh images are left out.
      n_splits: how often.
    """
    alarms = [Alarms(rate) for rate in RATES]
    for split in range(n_splits):
        order = np.random.default_rng([drift.seed, split]).permutation(len(rows))
        reference, fresh = rows.take(order[:n_reference]), rows.take(order[n_reference:])
        n_windows = -(-N_WINDOWS // n_splits)
        counted = _count(reference, fresh, n_classes, drift, n_windows, split)
        for total, part in zip(alarms, counted, strict=True):
            _add(total, part)
    return alarms


def of_bundle(
    detectors: DriftDetectors, fresh: DriftRows, n_classes: int, drift: DriftConfig
) -> list[Alarms]:
    """Draws windows of fresh images against the reference set of a bundle."""
    return _count(detectors.reference, fresh, n_classes, drift, N_WINDOWS, 0)


def sizes_that_fit(sizes: Sequence[int], n_fresh: int) -> tuple[int, ...]:
    """Returns the window sizes of which fresh images can be drawn without repeating one."""
    return tuple(size for size in sizes if size <= n_fresh)


def _count(
    reference: DriftRows,
    fresh: DriftRows,
    n_classes: int,
    drift: DriftConfig,
    n_windows: int,
    seed: int,
) -> list[Alarms]:
    sizes = sizes_that_fit(drift.windows, len(fresh))
    with drawn_once():
        files = [calibrate(reference, n_classes, at_rate(drift, rate, sizes)) for rate in RATES]
    detectors = DriftDetectors(files[0], reference)
    counted = [Alarms(rate, [file.level]) for rate, file in zip(RATES, files, strict=True)]
    for window in windows(len(fresh), sizes[-1], n_windows, seed):
        result = detectors.check(fresh.take(window))
        for alarms, file in zip(counted, files, strict=True):
            alarms.note(result, file.thresholds)
    return counted


def _add(total: Alarms, part: Alarms) -> None:
    total.levels += part.levels
    total.of_splits.append(part.share)
    total.n_windows += part.n_windows
    total.n_alarms += part.n_alarms
    for key, n_alarms in part.by_test.items():
        total.by_test[key] = total.by_test.get(key, 0) + n_alarms


def windows(n_rows: int, size: int, n_windows: int, seed: int) -> Iterator[npt.NDArray[np.intp]]:
    """Yields the places of windows, each drawn without repeating a row."""
    rng = np.random.default_rng([seed, n_rows, size])
    for _ in range(n_windows):
        yield rng.permutation(n_rows)[:size]


def at_rate(drift: DriftConfig, rate: float, sizes: Sequence[int]) -> DriftConfig:
    """Returns the configuration with another wanted share of checks with a false alarm.

    It may be more than a job may ask for: the tables show what comes of that.
    """
    images = drift.every_n / rate
    changed = {
        "false_alarms": f"1 per 1 days at {images:.6f} images per day",
        "windows": tuple(sizes),
        "backend": "scipy",
    }
    return drift.model_copy(update=changed)


def together(one: DriftRows, other: DriftRows) -> DriftRows:
    """Returns the rows of both."""
    return DriftRows(**{view: np.concatenate([one.view(view), other.view(view)]) for view in VIEWS})


@contextmanager
def drawn_once() -> Iterator[None]:
    """Lets calibrations of one reference set share their draws, which no wanted rate changes."""
    draw = calibration.draw_p_values
    drawn: list[object] = []

    def remember(*arguments: object) -> object:
        if not drawn:
            drawn.append(draw(*arguments))  # type: ignore[arg-type]
        return drawn[0]

    calibration.draw_p_values = remember  # type: ignore[assignment]
    try:
        yield
    finally:
        calibration.draw_p_values = draw
