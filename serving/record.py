"""What happened, as plain values: made in a request, written down elsewhere.

Everything here is made without input or output, so that no request waits for the log.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.images.types import Pixels

Floats = npt.NDArray[np.float32]

# What ends the request id of a prediction that answered nobody: a candidate's in the shadow.
SHADOW = "-shadow"


def now() -> datetime:
    """Returns the time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, eq=False)
class PredictionRecord:
    """One prediction.

    Attributes:
      request_id: of the request; the images of a batch get ``<request id>-0``, ``-1`` and so on.
      model_name: the model that answered.
      model_version: its version.
      label: the most probable class.
      probability: its probability, 0 to 1.
      is_abstained: whether that was too small to count.
      classes: the model's class names, ``k`` of them.
      probabilities: ``(k,)``, in class order.
      embedding_uae: ``(d,)``.
      embedding_bbsd: ``(b,)``.
      embedding_penultimate: ``(p,)``.
      pixels: the decoded image, ``(height, width, 3)`` RGB uint8 in its own size, for measuring.
      data: the bytes of its file, of which some are kept.
      latency_s: of decoding, the graph and the picture; reading the request is not counted.
      time: UTC.
    """

    request_id: str
    model_name: str
    model_version: str
    label: str
    probability: float
    is_abstained: bool
    classes: tuple[str, ...] = field(repr=False)
    probabilities: Floats = field(repr=False)
    embedding_uae: Floats = field(repr=False)
    embedding_bbsd: Floats = field(repr=False)
    embedding_penultimate: Floats = field(repr=False)
    pixels: Pixels = field(repr=False)
    data: bytes = field(repr=False)
    latency_s: float
    time: datetime = field(default_factory=now)


@dataclass(frozen=True)
class CallRecord:
    """One request and how it was answered; probes and ``/metrics`` are not recorded.

    Attributes:
      route: the path as the interface names it, such as ``/predictions/{id}``.
      caller: which key was used, as the first 8 hex digits of its sha256; empty without one.
      problem: kind of the problem that was answered; empty where there was none.
    """

    request_id: str
    method: str
    route: str
    status: int
    latency_s: float
    caller: str = ""
    problem: str = ""
    time: datetime = field(default_factory=now)


@dataclass(frozen=True)
class FeedbackRecord:
    """What a person or system says an image really was.

    Attributes:
      feedback_id: hex digits of its own, so that nothing is stored twice.
      labels: the true classes, verbatim; they need not be classes of the model.
      who: who says so, verbatim; may be empty.
    """

    feedback_id: str
    request_id: str
    labels: tuple[str, ...]
    who: str = ""
    time: datetime = field(default_factory=now)


@dataclass(frozen=True)
class DriftRecord:
    """One drift check.

    Attributes:
      status: ``ok``, ``drift`` or ``error``.
      n_images: predictions in the window.
      detail: statistics, p-values and thresholds by view, as JSON values.
    """

    check_id: str
    model_name: str
    model_version: str
    status: str
    n_images: int
    detail: dict[str, Any]
    time: datetime = field(default_factory=now)


@dataclass(frozen=True)
class DeploymentRecord:
    """One attempt to change what is served.

    Attributes:
      generation: of the pointer afterwards.
      action: ``activate``, ``rollback``, or ``follow``: a champion was promoted; of a candidate
        ``shadow`` or ``canary``, and ``end``.
      outcome: ``done`` or ``refused``.
      detail: why it was refused.
    """

    deployment_id: str
    generation: int
    action: str
    model_name: str
    model_version: str
    outcome: str
    detail: str = ""
    time: datetime = field(default_factory=now)


Record = PredictionRecord | CallRecord | FeedbackRecord | DriftRecord | DeploymentRecord
