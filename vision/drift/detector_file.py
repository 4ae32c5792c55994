"""``drift/detectors.json`` of a bundle: which detectors there are, and their thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from vision.bundles.part import read_part
from vision.drift.names import VIEWS

DETECTORS_FILE = "drift/detectors.json"

_Rate = Annotated[float, Field(gt=0.0, lt=1.0)]
_Threshold = Annotated[float, Field(gt=0.0, le=1.0)]
_Size = Annotated[int, Field(ge=1)]


class DetectorFile(BaseModel):
    """Detectors and their thresholds.

    Attributes:
      backend: ``alibi`` or ``scipy``; thresholds are the same for both.
      detector: test of each column of an embedding and of the properties.
      correction: for a view's number of columns.
      views: what is watched.
      sizes: how many of the newest images are compared at a time, rising; each check tests all
        sizes that there are images for.
      every_n: images from one check to the next.
      false_alarms: what was wanted, as the configuration says it.
      alarm_rate: the same as a share of checks.
      level: chance of a false alarm that each single test was given for that.
      thresholds: of the corrected p-value, by view and size; drift is a p-value below.
      n_classes: classes of the model.
      n_reference: rows of the reference set.
      n_draws: checks without drift that were drawn from the reference set.
      measured_rate: share of them with a false alarm.
      seed: of the draws.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    backend: Literal["alibi", "scipy"]
    detector: Literal["ks", "cvm"]
    correction: Literal["bonferroni", "fdr"]
    views: Annotated[tuple[str, ...], Field(min_length=1)]
    sizes: Annotated[tuple[_Size, ...], Field(min_length=1)]
    every_n: Annotated[int, Field(ge=1)]
    false_alarms: str
    alarm_rate: _Rate
    level: _Rate
    thresholds: dict[str, dict[int, _Threshold]]
    n_classes: Annotated[int, Field(ge=1)]
    n_reference: Annotated[int, Field(ge=2)]
    n_draws: Annotated[int, Field(ge=1)]
    measured_rate: Annotated[float, Field(ge=0.0, le=1.0)]
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _every_test_has_a_threshold(self) -> DetectorFile:
        unknown = sorted(set(self.views) - set(VIEWS))
        if unknown:
            raise ValueError(f"view {unknown[0]!r} is none of {', '.join(VIEWS)}")
        if list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError(f"sizes {self.sizes} must rise")
        if set(self.thresholds) != set(self.views):
            raise ValueError("thresholds must name the views, and no others")
        for view, thresholds in self.thresholds.items():
            if set(thresholds) != set(self.sizes):
                raise ValueError(f"thresholds of {view} must name the sizes, and no others")
        return self


def write_detectors(folder: Path, detectors: DetectorFile) -> Path:
    """Writes the file into a bundle's folder, and returns its path."""
    path = folder / DETECTORS_FILE
    path.parent.mkdir(exist_ok=True)
    path.write_text(detectors.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


def read_detectors(folder: Path) -> DetectorFile:
    """Reads the file from a bundle's folder.

    Raises:
      BundleError: there is none, or it is not one that this version understands.
    """
    return read_part(
        folder / DETECTORS_FILE,
        DetectorFile,
        absent=(
            f"{folder} has no drift detectors ({DETECTORS_FILE}); train again to make a bundle "
            "that has them"
        ),
        otherwise="holds no detectors",
    )
