"""How a served model is watched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vision.config.alerts import AlertConfig
from vision.config.cron import Cron
from vision.config.rules import broken_rule
from vision.config.section import Section


class ReviewConfig(Section):
    """Which images are put together for people to look at.

    Attributes:
      n_images: how many at most.
      folder: where batches are written; None means ``reviews`` in the project's home.
    """

    n_images: Annotated[int, Field(ge=1, le=100_000)] = 100
    folder: Path | None = None


class RetrainConfig(Section):
    """How training is started again.

    Attributes:
      config: the job to run, a YAML file with ``pipeline: training``.
      least_labels: new true labels without which nothing is trained.
    """

    config: Path | None = None
    least_labels: Annotated[int, Field(ge=1)] = 200


class MonitoringConfig(Section):
    """How a served model is watched.

    Attributes:
      version: the model version to look at; None means every version that predicted something in
        the period.
      days: predictions that are older are left out.
      n_most: the most predictions of a version, the newest first.
      n_least: with fewer of them there is a verdict ``too_few`` and no test.
      n_mmd: the most rows of the reference set, and of predictions, that MMD compares.
      n_permutations: of the MMD test.
      accuracy_margin: how far the accuracy from feedback may lie, beyond chance, below that of the
        evaluation; None never calls it low, for feedback that is mostly complaints.
      every: when ``run.py monitor --forever`` and schedules run it, as in cron; None for never.
      alerts: who is told when the state changes.
      on_drift: what is done about it.
      review: the batch of images that ``on_drift: review`` writes.
      retrain: what ``on_drift: retrain`` starts.
    """

    version: str | None = None
    days: Annotated[float, Field(gt=0.0, le=3650.0)] = 7.0
    n_most: Annotated[int, Field(ge=1)] = 1_000_000
    n_least: Annotated[int, Field(ge=20)] = 50
    n_mmd: Annotated[int, Field(ge=20, le=1000)] = 1000
    n_permutations: Annotated[int, Field(ge=100, le=100_000)] = 1000
    accuracy_margin: Annotated[float, Field(ge=0.0, le=1.0)] | None = 0.02
    every: Cron | None = None
    alerts: tuple[AlertConfig, ...] = (AlertConfig(kind="log"),)
    on_drift: Literal["nothing", "review", "retrain"] = "nothing"
    review: ReviewConfig = ReviewConfig()
    retrain: RetrainConfig = RetrainConfig()

    @model_validator(mode="after")
    def _knows_what_to_train(self) -> MonitoringConfig:
        if self.on_drift == "retrain" and self.retrain.config is None:
            needed = "on_drift: retrain needs the job to run; set retrain.config"
            raise broken_rule(needed, "retrain.config", "on_drift")
        return self
