"""The sections of a job's configuration.

Every section is frozen and closed: an unknown key is refused, and nothing changes a value after
it was read. Class names are absent on purpose: they come from the data.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vision.config.rules import Condition, Minimum, OneOf, broken_rule, is_one_of
from vision.config.section import Fraction, Section
from vision.validation.names import (
    FILE_CHECKS,
    QUARANTINED,
    STOPS_BY_DEFAULT,
    SUITE_CHECKS,
    known_checks,
)

Suite = Literal["integrity", "train_test"]
SUITES: tuple[Suite, ...] = ("integrity", "train_test")
Limit = Annotated[float, Field(ge=0.0)]
_SUITE_CHECKS = tuple(check.name for check in SUITE_CHECKS)
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,38}[a-z0-9])?")


def _is_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            "must be up to 40 lower-case letters, digits, '.', '_' and '-', "
            "with a letter or digit first and last"
        )
    return name


def _is_multiclass(task: str) -> str:
    if task != "multiclass":
        raise ValueError("is reserved for a later version; use multiclass")
    return task


class ModelConfig(Section):
    """What is trained.

    Attributes:
      name: the registered model's name: up to 40 lower-case letters, digits, ``.``, ``_`` and
        ``-``, a letter or digit first and last (what every registry accepts).
      architecture: ``small_cnn``, or a backbone of keras.applications.
      input_size: ``[height, width]`` in pixels that every image is resized to.
      task: one class per image, or several.
      weights: a local ``.keras`` or ``.weights.h5`` file for the backbone; without one it is
        trained from scratch. ``small_cnn`` has no backbone and takes none.
    """

    name: Annotated[str, AfterValidator(_is_name)]
    architecture: Literal["small_cnn", "mobilenet_v3_small", "efficientnet_v2_b0", "resnet50"] = (
        "small_cnn"
    )
    input_size: tuple[Annotated[int, Field(ge=8, le=1024)], Annotated[int, Field(ge=8, le=1024)]]
    task: Annotated[Literal["multiclass", "multilabel"], AfterValidator(_is_multiclass)] = (
        "multiclass"
    )
    weights: Path | None = None

    @model_validator(mode="after")
    def _has_what_weights_are_for(self) -> ModelConfig:
        if self.weights is not None and self.architecture == "small_cnn":
            needed = (
                "small_cnn is trained from scratch and has no backbone to load; remove "
                "model.weights, or choose a backbone in model.architecture"
            )
            raise broken_rule(needed, "weights", "architecture")
        return self


class ValidationConfig(Section):
    """Which checks run over the images, and what stops the pipeline.

    Attributes:
      suites: names of suites; see ``docs/validation.md`` for what each computes.
      checks: names of the checks to run, ours and those of the suites; without it all of them.
        Files that cannot be used are named in any case.
      limits: check of a suite to the largest value that is not worth a warning, for example
        ``feature_drift: 0.3``.
      fail_on: check name to a condition on its value under which the pipeline stops, for example
        ``corrupt_images: "> 0"``; what is given replaces the default.
      quarantine: checks whose images are left out of training and evaluation instead.
      allow_class_changes: whether the classes may be others than those of the champion.
    """

    suites: tuple[Suite, ...] = SUITES
    checks: tuple[Annotated[str, is_one_of(known_checks(SUITES))], ...] | None = None
    limits: dict[Annotated[str, OneOf(_SUITE_CHECKS)], Limit] = Field(default_factory=dict)
    fail_on: dict[Annotated[str, OneOf(known_checks(SUITES))], Condition] = Field(
        default_factory=lambda: dict(STOPS_BY_DEFAULT)
    )
    quarantine: tuple[Annotated[str, is_one_of(QUARANTINED)], ...] = ()
    allow_class_changes: bool = False

    @model_validator(mode="after")
    def _selects_what_it_judges(self) -> ValidationConfig:
        for check in SUITE_CHECKS:
            for key in ("fail_on", "limits"):
                if check.name in getattr(self, key) and check.suite not in self.suites:
                    needed = f"{check.name} is computed by suite {check.suite}; add it to suites"
                    raise broken_rule(needed, key, "suites")
        for key in ("fail_on", "limits", "quarantine"):
            if key == "fail_on" and self.fail_on == STOPS_BY_DEFAULT:
                # Known by its value: what a section is dumped to must be read back as it was.
                continue
            for name in getattr(self, key):
                if not self.runs(name):
                    raise broken_rule(f"{name} is not among checks; add it there", key, "checks")
        return self

    def runs(self, name: str) -> bool:
        """Whether a check of ours, or of a selected suite, is to run."""
        return self.checks is None or name in self.checks or name in FILE_CHECKS


class TrainingConfig(Section):
    """How the model is trained.

    Attributes:
      epochs: the most epochs.
      batch_size: images per step.
      learning_rate: peak rate of Adam with cosine decay.
      seed: seeds weights, shuffling, dropout and augmentation.
      patience: epochs without a better validation loss before stopping; best weights are kept.
      label_smoothing: share of probability spread over all classes.
      weight_decay: decoupled weight decay (AdamW).
      dropout: share of the head's inputs dropped in training.
      memory_budget_mb: the most memory for the decoded uint8 cache; above it images are streamed.
      deterministic: bit-identical results for the same seed on the same machine.
    """

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 30
    batch_size: Annotated[int, Field(ge=1, le=8192)] = 64
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    patience: Annotated[int, Field(ge=1)] = 10
    label_smoothing: Fraction = 0.0
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    dropout: Fraction = 0.2
    memory_budget_mb: Annotated[int, Field(ge=16)] = 2048
    deterministic: bool = True


class EvaluationConfig(Section):
    """How the model is judged.

    Attributes:
      split: the split that is scored.
      gate: metric to the least value that lets the pipeline go on; ``top_3_accuracy`` needs more
        than three classes.
      batch_size: images per prediction call.
      model: for ``pipeline: evaluation``, the version to score; None means the champion.
    """

    split: Literal["train", "validation", "test"] = "test"
    gate: dict[Literal["accuracy", "macro_f1", "weighted_f1", "auc", "top_3_accuracy"], Minimum] = (
        Field(default_factory=dict)
    )
    batch_size: Annotated[int, Field(ge=1, le=8192)] = 256
    model: str | None = None


class BundleConfig(Section):
    """What goes into the bundle beside the model.

    Attributes:
      n_reference: the most rows of the reference set, from the validation split.
      n_golden: images whose answers are stored and checked whenever the bundle is loaded.
      parity_tolerance: the largest difference allowed between Keras and the serving graph.
    """

    n_reference: Annotated[int, Field(ge=1)] = 5000
    n_golden: Annotated[int, Field(ge=1, le=64)] = 8
    parity_tolerance: Annotated[float, Field(gt=0.0, le=1e-2)] = 1e-4


class TrackingConfig(Section):
    """How the tracking run is named.

    Attributes:
      experiment: the experiment in the tracker; None means the model's name.
      tags: added to the tracking run.
    """

    experiment: str | None = None
    tags: dict[str, str] = Field(default_factory=dict)


class RetryConfig(Section):
    """When a failed step is tried again.

    Attributes:
      max_retries: tries after the first; none after an interrupt.
      delay_s: seconds before the first retry.
      backoff: factor by which the delay grows.
    """

    max_retries: Annotated[int, Field(ge=0, le=10)] = 0
    delay_s: Annotated[int, Field(ge=0)] = 0
    backoff: Annotated[int, Field(ge=1)] = 1


class ZenMLConfig(Section):
    """What is passed on to ZenML unchanged.

    Attributes:
      settings: ZenML's pipeline settings by their own keys.
      enable_cache: whether steps whose inputs and code did not change are taken from the cache.
      retry: when a failed step is tried again.
      tags: tags of the pipeline run.
    """

    settings: dict[str, object] = Field(default_factory=dict)
    enable_cache: bool = True
    retry: RetryConfig = RetryConfig()
    tags: tuple[str, ...] = ()
