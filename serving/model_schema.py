"""What the service answers about models, as types; see :mod:`serving.schema`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from serving.schema import ModelReference, Part
from vision.bundles.manifest import Lineage, Manifest


class StoredModel(Part):
    """A model version that could be served."""

    name: str
    version: str
    created_at: datetime
    is_active: bool
    is_champion: bool
    is_candidate: bool = False


class ModelList(Part):
    """The model versions of the store, newest first."""

    models: tuple[StoredModel, ...]


class Activation(Part):
    """What is served after a change."""

    model: ModelReference
    generation: int = Field(description="Grows with every change of what is served.")
    previous: ModelReference | None = None


class CandidateSummary(Part):
    """A version that is tried beside the one that is served."""

    name: str
    version: str
    mode: Literal["shadow", "canary"] = Field(
        description="`canary` answers its share of the requests; `shadow` answers them for the "
        "prediction log alone."
    )
    share: float = Field(gt=0, le=1, description="Of the requests.")
    since: datetime
    until: datetime | None = Field(
        default=None, description="When it ends by itself; null where somebody ends it."
    )
    detail: str = Field(default="", description="Why this worker does not use it.")


class CandidateChange(Part):
    """What is tried after a change."""

    model: ModelReference | None = Field(description="What is served.")
    candidate: CandidateSummary | None


class ModelSummary(Part):
    """What is known of the model version that is served."""

    name: str
    version: str
    created_at: datetime
    architecture: str
    task: str
    input_size: tuple[int, int] = Field(description="Height and width in pixels.")
    classes: tuple[str, ...]
    n_parameters: int
    metrics: dict[str, float | None]
    lineage: Lineage
    candidate: CandidateSummary | None = Field(default=None, description="What is tried beside it.")

    @classmethod
    def of(cls, manifest: Manifest, candidate: CandidateSummary | None = None) -> ModelSummary:
        """Takes what may be shown from a manifest."""
        shown = {key: getattr(manifest, key) for key in cls.model_fields if key != "candidate"}
        return cls.model_validate({**shown, "candidate": candidate})
