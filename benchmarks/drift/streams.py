"""After how many changed images a service sees them: streams of clean images, then changed ones.

As in the service the newest images are checked every ``every_n``, at every calibrated size that
there are images for. The change comes anywhere between two checks, so a promise of N images is
kept where drift is said after less than N + ``every_n``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from false_alarms import together

from vision.bundles.load import ServingModel
from vision.drift.corruptions import (
    SCENARIOS,
    SEVERITIES,
    classes_to_shift,
    corrupt,
    shift_classes,
)
from vision.drift.detectors import DriftDetectors
from vision.drift.held_out import HeldOut
from vision.drift.power import see_images
from vision.drift.power_table import PowerTable
from vision.drift.views import DriftRows

N_SEEDS = 10


@dataclass(frozen=True)
class Detection:
    """What came of the streams of one change.

    Attributes:
      kind: one of :data:`vision.drift.corruptions.SCENARIOS`.
      severity: 1, 2 or 3.
      promised: images after which the power table says it is seen; None where it does not.
      bound: with those until the next check, after which it is said; None where nothing is.
      found: changed images until drift was said, one for each seed; None where it never was.
      moved: the views in which it was seen first, of all seeds, the most frequent first.
    """

    kind: str
    severity: int
    promised: int | None
    bound: int | None
    found: tuple[int | None, ...]
    moved: tuple[str, ...]

    @property
    def n_kept(self) -> int:
        """Streams in which drift was said in time."""
        bound = self.bound
        if bound is None:
            return 0
        return sum(each is not None and each <= bound for each in self.found)


class Streams:
    """Plays streams against the detectors of a bundle."""

    def __init__(self, serving: ServingModel, detectors: DriftDetectors, held_out: HeldOut) -> None:
        """Looks at the clean images once; they should be none that the power table was made of."""
        self._serving = serving
        self._detectors = detectors
        self._held_out = held_out
        self.clean = see_images(serving, held_out.images)

    def detect(self, table: PowerTable, kind: str, severity: int) -> Detection:
        """Plays the stream of a change with every seed."""
        changed = self._changed(kind, severity)
        n_changed = max(self._sizes(table, kind, severity))
        played = [self._play(changed, kind, severity, n_changed, seed) for seed in range(N_SEEDS)]
        moved = [view for _, views in played for view in views]
        by_frequency = sorted(set(moved), key=lambda view: (-moved.count(view), view))
        promised = table.promise(kind, severity)
        found = tuple(n_images for n_images, _ in played)
        bound = None if promised is None else promised + self._detectors.every_n
        return Detection(kind, severity, promised, bound, found, tuple(by_frequency))

    def detect_all(self, table: PowerTable) -> list[Detection]:
        """Plays every change whose promise can be tried without want of images of one class."""
        return [
            self.detect(table, kind, severity)
            for kind in SCENARIOS
            for severity in SEVERITIES
            if self._can_play(table, kind, severity)
        ]

    def _can_play(self, table: PowerTable, kind: str, severity: int) -> bool:
        promised = table.promise(kind, severity) or 0
        return max(self._sizes(table, kind, severity), default=-1) >= promised

    def _sizes(self, table: PowerTable, kind: str, severity: int) -> list[int]:
        """Returns after how many images a stream may end; another check of them comes behind."""
        labels, every_n = self._held_out.labels, self._detectors.every_n
        return [
            size
            for size in table.sizes_of(kind, severity)
            if kind != "class_shift" or len(classes_to_shift(labels, severity, size + every_n))
        ]

    def _changed(self, kind: str, severity: int) -> DriftRows:
        if kind == "class_shift":
            return self.clean
        # Not the draws that the power table was made with.
        rng = np.random.default_rng([12, SCENARIOS.index(kind), severity])
        return see_images(self._serving, corrupt(self._held_out.images, kind, severity, rng))

    def _play(
        self, changed: DriftRows, kind: str, severity: int, n_changed: int, seed: int
    ) -> tuple[int | None, tuple[str, ...]]:
        rng = np.random.default_rng([seed, SCENARIOS.index(kind), severity])
        every_n, most = self._detectors.every_n, self._detectors.sizes[-1]
        # The last check was so many clean images ago.
        phase = int(rng.integers(every_n))
        n_clean = min(len(self.clean), most)
        before = self.clean.take(rng.permutation(len(self.clean))[:n_clean])
        places = _places(self._held_out.labels, kind, severity, n_changed + every_n, rng)
        stream = together(before, changed.take(places))
        for n_seen in range(every_n - phase, n_changed + every_n + 1, every_n):
            result = self._detectors.check(stream.take(slice(0, n_clean + n_seen)))
            if result.is_drift:
                return n_seen, result.moved
        return None, ()


def _places(
    labels: Sequence[str], kind: str, severity: int, n: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    if kind == "class_shift":
        return shift_classes(labels, severity, n, rng)
    rounds = [rng.permutation(len(labels)) for _ in range(-(-n // len(labels)))]
    places: npt.NDArray[np.intp] = np.concatenate(rounds)[:n]
    return places
