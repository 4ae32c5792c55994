"""What is kept of a record: plain JSON values and raw vectors, the same in memory, spool and rows.

==============  ==================================================================================
kind            fields besides ``time`` (microseconds since 1970, UTC)
==============  ==================================================================================
``model``       digest, name, version, classes, embedding_size: what predictions refer to
``prediction``  request_id, model (a digest), model_name, model_version, label, probability,
                is_abstained, latency_s, image; once measured also the image's properties
``measures``    request_id, image and properties of a prediction that was stored without them
``call``        a row of api_log;  ``feedback``, ``drift``, ``deployment`` likewise
==============  ==================================================================================

Arrays of a prediction: probabilities, embedding_uae, embedding_penultimate, embedding_bbsd;
little-endian float32. The last is left out where it is the same as the first. Spools of releases
before the third embedding lack that one.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from serving.record import (
    CallRecord,
    DeploymentRecord,
    DriftRecord,
    FeedbackRecord,
    Floats,
    PredictionRecord,
    Record,
)

Kind = Literal["model", "prediction", "measures", "call", "feedback", "drift", "deployment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Entry:
    """One thing to store.

    Attributes:
      kind: which fields it has, see above.
      fields: JSON values by name.
      arrays: raw bytes by name.
      model: of a prediction, the entry that it refers to; not part of its encoding.
    """

    kind: Kind
    fields: dict[str, Any]
    arrays: dict[str, bytes] = field(default_factory=dict)
    model: Entry | None = None

    @property
    def is_record(self) -> bool:
        """Whether it was put as a record, and does not just belong to one."""
        return self.kind not in ("model", "measures")

    def measured(self, measures: dict[str, Any]) -> Entry:
        """Returns the prediction with image and properties."""
        return replace(self, fields=self.fields | measures)


def describe(record: Record) -> Entry:
    """Returns what is kept of a record; of an image neither pixels nor bytes."""
    if isinstance(record, PredictionRecord):
        return _describe_prediction(record)
    fields: dict[str, Any] = {**vars(record), "time": to_microseconds(record.time)}
    kind: Kind
    match record:
        case CallRecord():
            kind = "call"
        case FeedbackRecord():
            kind, fields["labels"] = "feedback", list(record.labels)
        case DriftRecord():
            kind, fields["detail"] = "drift", _finite(record.detail)
        case DeploymentRecord():
            kind = "deployment"
    return Entry(kind, fields)


def measures_of(request_id: str, measures: dict[str, Any]) -> Entry:
    """Returns what completes a prediction that was stored before its image was measured."""
    return Entry("measures", {"request_id": request_id, **measures})


def to_microseconds(time: datetime) -> int:
    """Returns microseconds since 1970; a time without zone counts as UTC."""
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """Returns the time, UTC."""
    return _EPOCH + value * _MICROSECOND


def _describe_prediction(record: PredictionRecord) -> Entry:
    probabilities, uae = _raw(record.probabilities), _raw(record.embedding_uae)
    bbsd = _raw(record.embedding_bbsd)
    model = _model(
        record.model_name, record.model_version, tuple(record.classes), record.embedding_uae.size
    )
    arrays = {
        "probabilities": probabilities,
        "embedding_uae": uae,
        "embedding_penultimate": _raw(record.embedding_penultimate),
    }
    if bbsd != probabilities:
        arrays["embedding_bbsd"] = bbsd
    fields = {
        "request_id": record.request_id,
        "time": to_microseconds(record.time),
        "model": model.fields["digest"],
        "model_name": record.model_name,
        "model_version": record.model_version,
        "label": record.label,
        "probability": float(record.probability),
        "is_abstained": bool(record.is_abstained),
        "latency_s": float(record.latency_s),
    }
    return Entry("prediction", fields, arrays, model)


@lru_cache(maxsize=16)
def _model(name: str, version: str, classes: tuple[str, ...], embedding_size: int) -> Entry:
    parts: list[Any] = [name, version, list(classes), embedding_size]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    names = ("name", "version", "classes", "embedding_size")
    return Entry("model", {"digest": digest, **dict(zip(names, parts, strict=True))})


def _raw(vector: Floats) -> bytes:
    return np.ascontiguousarray(vector, "<f4").tobytes()


def _finite(value: Any) -> Any:
    """Returns JSON values with None for the numbers that JSON has no words for."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
