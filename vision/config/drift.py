"""Which drift detectors go with a model, and how often they may be wrong."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vision.config.rules import broken_rule, is_one_of
from vision.config.section import Section
from vision.drift.names import LEAST_CVM_P, VIEWS

_FALSE_ALARMS = re.compile(
    r"(\d+(?:\.\d+)?) per (\d+(?:\.\d+)?) days? at (\d+(?:\.\d+)?) images per day"
)
# Beyond it more false alarms come than are wanted (docs/drift-tables.md).
_LARGEST_RATE = 0.05


def _is_false_alarms(text: str) -> str:
    matched = _FALSE_ALARMS.fullmatch(text)
    if matched is None or not all(float(number) > 0.0 for number in matched.groups()):
        raise ValueError(
            'must read "1 per 90 days at 200 images per day", with three numbers above 0'
        )
    return text


def _are_sizes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    if list(sizes) != sorted(set(sizes)):
        raise ValueError("must rise, each number once")
    return sizes


def _are_unique(views: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(views)) != len(views):
        raise ValueError("must name each view once")
    return views


class DriftConfig(Section):
    """Which drift detectors go with the model, and how often they may be wrong.

    Attributes:
      backend: ``alibi`` (alibi-detect; Business Source License) or ``scipy``.
      views: what is watched: embeddings of the untrained autoencoder (``uae``), softmax outputs
        (``bbsd``), the layer before the logits (``penultimate``), image properties, and
        frequencies of the predicted classes.
      detector: test of each column: Kolmogorov-Smirnov or Cramér-von Mises.
      correction: for a view's number of columns: Bonferroni, or false discovery rate.
      windows: how many predictions are compared with the reference set at a time; every size has
        thresholds of its own.
      every_n: predictions after which the detectors run again.
      false_alarms: how often drift may be found where there is none.
      n_draws: windows that are drawn to calibrate the thresholds.
      n_power_images: images that are corrupted to measure what will be seen; 0 measures nothing.
      seed: of every draw.
      encoder_dimensions: length of the untrained autoencoder's embedding.
      encoder_seed: seeds the untrained autoencoder.
      bbsd_layer: the layer whose outputs ``bbsd`` watches, for example ``logits``.
      penultimate_dimensions: wider layers are projected, at random but seeded, to so many.
    """

    backend: Literal["alibi", "scipy"] = "alibi"
    views: Annotated[
        tuple[Annotated[str, is_one_of(VIEWS)], ...],
        Field(min_length=1),
        AfterValidator(_are_unique),
    ] = VIEWS
    detector: Literal["ks", "cvm"] = "ks"
    correction: Literal["bonferroni", "fdr"] = "bonferroni"
    windows: Annotated[
        tuple[Annotated[int, Field(ge=20, le=10_000)], ...],
        Field(min_length=1),
        AfterValidator(_are_sizes),
    ] = (50, 100, 200, 500)
    every_n: Annotated[int, Field(ge=1, le=10_000)] = 50
    false_alarms: Annotated[str, AfterValidator(_is_false_alarms)] = (
        "1 per 90 days at 200 images per day"
    )
    n_draws: Annotated[int, Field(ge=200, le=100_000)] = 2_000
    n_power_images: Annotated[int, Field(ge=0, le=100_000)] = 1_000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    encoder_dimensions: Annotated[int, Field(ge=2, le=512)] = 32
    encoder_seed: Annotated[int, Field(ge=0)] = 0
    bbsd_layer: Annotated[str, Field(min_length=1)] = "probabilities"
    penultimate_dimensions: Annotated[int, Field(ge=2, le=512)] = 64

    @property
    def alarm_rate(self) -> float:
        """Wanted share of checks that find drift where there is none, above 0.

        A check follows every ``every_n`` images; "1 per 90 days at 200 images per day" is one
        alarm in 18,000 images, so one in 360 checks that are 50 images apart.
        """
        matched = _FALSE_ALARMS.fullmatch(self.false_alarms)
        assert matched is not None
        alarms, days, images = map(float, matched.groups())
        return alarms * self.every_n / (days * images)

    @model_validator(mode="after")
    def _can_be_calibrated(self) -> DriftConfig:
        if self.alarm_rate > _LARGEST_RATE:
            needed = (
                f"{self.false_alarms!r} is one false alarm in {1 / self.alarm_rate:.1f} checks; "
                f"allow at most one in {1 / _LARGEST_RATE:g} (with more the promise would not be "
                "kept), or check more often (every_n)"
            )
            raise broken_rule(needed, "false_alarms", "every_n")
        if self.alarm_rate * self.n_draws < 1.0:
            needed = (
                f"{self.n_draws} draws cannot show one false alarm in {1 / self.alarm_rate:,.0f} "
                "checks; draw at least as many windows as that, or allow more alarms"
            )
            raise broken_rule(needed, "n_draws", "false_alarms")
        n_columns = max(self.encoder_dimensions, self.penultimate_dimensions)
        of_one_test = self.alarm_rate / (len(self.views) * len(self.windows))
        if self.detector == "cvm" and of_one_test < LEAST_CVM_P * n_columns:
            needed = (
                f"{self.false_alarms!r} gives each test {of_one_test:.1g}, and Cramér-von Mises "
                f"tells no p-value of {n_columns} columns below {LEAST_CVM_P * n_columns:.1g}; "
                "allow more alarms, or test with ks"
            )
            raise broken_rule(needed, "false_alarms", "detector")
        return self
