"""The sections of a passport.

None stands for what is not known, an empty tuple for what is known to be nothing. Shares are 0 to
1, sizes bytes, every interval is one of 95 %.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.bundles.manifest import Versions
from vision.validation.report import Gate


class Part(BaseModel):
    """A frozen, closed part of the passport."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelPart(Part):
    """What the manifest of the bundle says.

    Attributes:
      made_at: when the bundle was made, UTC.
      input_size: ``(height, width)`` in pixels.
      manifest_sha256: of ``manifest.json``, which lists the checksums of all other files.
      bundle_bytes: of all files but the manifest.
      graph_bytes: of the serving graph.
    """

    made_at: AwareDatetime
    architecture: str
    input_size: tuple[int, int]
    task: str
    classes: tuple[str, ...]
    n_parameters: int
    manifest_sha256: str
    bundle_bytes: int
    graph_bytes: int | None
    versions: Versions
    tracking_run: str | None
    pipeline_run: str | None
    config_digest: str | None


class CodePart(Part):
    """A state of the code.

    Attributes:
      is_dirty: whether it had changes that are in no commit.
      patch: those changes, at most 200 kB of them; empty where there are none.
      files: that are changed or in no commit at all.
      note: why the changes are not known, or how many of them are kept; None where all are there.
    """

    commit: str | None = None
    is_dirty: bool | None = None
    patch: str | None = None
    files: tuple[str, ...] | None = None
    note: str | None = None


class DataPart(Part):
    """The data that the model was trained on.

    Attributes:
      source: kind of the dataset's source.
      revision: tag, branch or commit.
      digest: of the annotation table.
      splits: number of images in each split.
    """

    source: str | None
    revision: str | None
    digest: str | None
    splits: dict[str, int] | None


class ValidationPart(Part):
    """What the data validator found before the training."""

    validator: str
    gates: tuple[Gate, ...]
    n_errors: int
    n_warnings: int


class MetricPart(Part):
    """A metric of the evaluation.

    Attributes:
      low: lower end of the interval.
      high: upper end.
      method: how the interval was found: ``wilson`` for shares of images, ``bootstrap`` over them.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    method: Literal["wilson", "bootstrap"] | None = None


class ClassPart(Part):
    """The images of one class; what they cannot say is None.

    Attributes:
      low: lower end of the recall's interval.
      high: upper end.
    """

    name: str
    n_images: int
    recall: float | None
    low: float | None
    high: float | None
    precision: float | None
    f1: float | None


class EvaluationPart(Part):
    """How good the model is on images that it was not trained on."""

    split: str | None
    n_images: int | None
    metrics: tuple[MetricPart, ...]
    classes: tuple[ClassPart, ...] | None
    gates: tuple[Gate, ...] | None
