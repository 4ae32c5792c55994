"""What the service answers, as types; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from vision.bundles.manifest import Lineage, Manifest


class _Answer(BaseModel):
    """A frozen, closed part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelReference(_Answer):
    """The model version that gave an answer."""

    name: str = Field(examples=["digits"])
    version: str = Field(examples=["20260101-120000-0badcafe"])


class Prediction(_Answer):
    """The most probable class."""

    label: str = Field(examples=["3"])
    probability: float = Field(ge=0, le=1, examples=[0.98])


class Answer(_Answer):
    """The prediction for one image."""

    request_id: str = Field(examples=["0f8fad5bd9cb469fa16570867728950e"])
    model: ModelReference
    prediction: Prediction
    probabilities: dict[str, float] = Field(
        description="Every class in class order, with its probability.",
        examples=[{"3": 0.98, "5": 0.02}],
    )


class ModelSummary(_Answer):
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

    @classmethod
    def of(cls, manifest: Manifest) -> ModelSummary:
        """Takes what may be shown from a manifest."""
        return cls.model_validate({key: getattr(manifest, key) for key in cls.model_fields})


class Readiness(_Answer):
    """The process can predict."""

    status: str = "ready"
    model: ModelReference


class Problem(_Answer):
    """An error, in the form of RFC 9457."""

    type: str = Field(examples=["/problems/unknown-format"])
    title: str = Field(examples=["Unknown image format"])
    status: int = Field(examples=[415])
    detail: str
    request_id: str
