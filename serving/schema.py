"""What the service answers, as types; the OpenAPI document is made from them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A frozen, closed part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelReference(Part):
    """The model version that gave an answer."""

    name: str = Field(examples=["digits"])
    version: str = Field(examples=["20260101-120000-0badcafe"])


class Prediction(Part):
    """A class with its probability."""

    label: str = Field(examples=["3"])
    probability: float = Field(ge=0, le=1, examples=[0.98])


class Explanation(Part):
    """Where in the image the winning class was seen, as a picture."""

    kind: Literal["heatmap", "overlay"]
    media_type: str | None = Field(description="None where there is no picture.")
    width: int | None = None
    height: int | None = None
    data: str | None = Field(default=None, description="The picture, in base64.")
    reason: str | None = Field(default=None, description="Why there is no picture.")


class DriftVerdict(Part):
    """The last drift check of the model version that answered; never made in a request."""

    status: Literal["unknown", "ok", "drift", "error"] = "unknown"
    checked_at: datetime | None = None
    n_images: int = Field(default=0, description="Predictions in the window.")


class Answer(Part):
    """The prediction for one image."""

    request_id: str = Field(examples=["0f8fad5bd9cb469fa16570867728950e"])
    model: ModelReference
    prediction: Prediction
    abstained: bool = Field(description="The probability is too small to count.")
    top: tuple[Prediction, ...] = Field(
        default=(), description="The most probable classes, where top_k asks for them."
    )
    probabilities: dict[str, float] = Field(
        description="Every class in class order, with its probability.",
        examples=[{"3": 0.98, "5": 0.02}],
    )
    drift: DriftVerdict
    warnings: tuple[str, ...] = Field(
        default=(), description="What the pixels no longer have of the file: frames, bits."
    )
    explanation: Explanation | None = None


class Problem(Part):
    """An error, in the form of RFC 9457."""

    type: str = Field(examples=["/problems/unknown-format"])
    title: str = Field(examples=["Unknown image format"])
    status: int = Field(examples=[415])
    detail: str
    request_id: str


class BatchEntry(Part):
    """What came of one image of a batch: an answer or a problem."""

    index: int
    answer: Answer | None = None
    problem: Problem | None = None


class BatchAnswer(Part):
    """What came of every image of a batch, in the order of the form."""

    request_id: str
    entries: tuple[BatchEntry, ...]


class FeedbackReceipt(Part):
    """Feedback was taken; it is in the database soon."""

    feedback_id: str
    request_id: str
    warnings: tuple[str, ...] = ()


class StoredFeedback(Part):
    """Feedback that was given on a prediction."""

    time: datetime
    labels: tuple[str, ...]
    who: str


class StoredPrediction(Part):
    """A prediction as the log keeps it."""

    request_id: str
    time: datetime
    model: ModelReference
    prediction: Prediction
    abstained: bool
    probabilities: dict[str, float]
    properties: dict[str, float] | None = None
    latency_s: float
    image: str | None = Field(default=None, description="File of the image, where it was kept.")
    feedback: tuple[StoredFeedback, ...] = ()


class DriftTest(Part):
    """One view of the newest predictions against the reference set."""

    view: str = Field(examples=["uae"])
    detector: str = Field(examples=["ks"])
    n_images: int = Field(description="Predictions that were compared.")
    statistic: float = Field(description="Of the column that moved most; larger is further apart.")
    p_value: float = Field(description="Corrected for the number of columns.")
    threshold: float = Field(description="Drift is a p-value below it; calibrated in training.")
    is_drift: bool
    column: str = Field(default="", description="The column that moved most.")


class DriftLevel(Part):
    """How one view stood at a check."""

    p_value: float
    threshold: float


class DriftMoment(Part):
    """One check of before."""

    checked_at: datetime
    status: Literal["ok", "drift", "error"]
    n_images: int
    moved: tuple[str, ...] = Field(default=(), description="Views that drift was found in.")
    views: dict[str, DriftLevel] = Field(default_factory=dict)


class DriftExample(Part):
    """A prediction of the window that is far from what is usual."""

    request_id: str
    time: datetime
    view: str
    distance: float = Field(
        description="Standard deviations of the reference set from its mean; of `classes`, by how "
        "much the share of its class grew."
    )
    image: bool = Field(
        default=False, description="Its image is kept, at /predictions/{request_id}/image."
    )


class DriftReport(Part):
    """The last drift checks, of all workers together."""

    verdict: DriftVerdict
    model: ModelReference | None
    window: int = Field(description="Predictions that are compared at most.")
    n_waiting: int = Field(description="Predictions in the window now.")
    every_n: int = Field(description="New predictions after which the check runs again.")
    since: datetime | None = Field(
        default=None, description="The first check of the unbroken row that found drift."
    )
    moved: tuple[str, ...] = Field(default=(), description="Views that drift was found in.")
    views: dict[str, DriftTest] = Field(
        default_factory=dict,
        description="Of each view the test that is nearest to its threshold, or furthest beyond.",
    )
    tests: tuple[DriftTest, ...] = Field(default=(), description="Every view at every size.")
    alarm_rate: float | None = Field(
        default=None, description="Share of checks that find drift where there is none."
    )
    false_alarms: str = Field(default="", description="That rate in words.")
    detail: str = Field(
        default="", description="Why there is no verdict, or how many predictions it passed over."
    )
    examples: tuple[DriftExample, ...] = Field(
        default=(), description="Unusual predictions; if keys are needed, for the admin key only."
    )
    examples_detail: str = Field(default="", description="Why no examples are listed.")
    history: tuple[DriftMoment, ...] = Field(default=(), description="The last 100, oldest first.")


class Readiness(Part):
    """The process can predict."""

    status: Literal["ready", "degraded"] = "ready"
    model: ModelReference
    detail: str = Field(default="", description="What does not work although images are answered.")
