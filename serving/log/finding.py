"""One prediction with its feedback, wherever it is: in memory, in a spool, in the database.

Entries move in that order, so looking in that order misses none that moves meanwhile. Measures that
come late follow their prediction, and may be in another place than it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from serving.log.entry import Entry, from_microseconds
from serving.log.tables import feedback, models, predictions
from serving.schema import ModelReference, Prediction, StoredFeedback, StoredPrediction
from vision.images.measure import NUMERIC


class Found(NamedTuple):
    """What one place has of a request: its prediction, feedback by id, and late measures."""

    prediction: StoredPrediction | None
    feedback: dict[str, StoredFeedback]
    measures: dict[str, Any]


def in_entries(entries: Iterable[Entry]) -> Found:
    """Returns what the entries of one request have."""
    stored: Entry | None = None
    measures: dict[str, Any] = {}
    given: dict[str, StoredFeedback] = {}
    for entry in entries:
        fields = entry.fields
        if entry.kind == "prediction" and (stored is None or "brightness" in fields):
            stored = entry
        elif entry.kind == "measures":
            measures = fields
        elif entry.kind == "feedback":
            given[fields["feedback_id"]] = StoredFeedback(
                time=from_microseconds(fields["time"]),
                labels=tuple(fields["labels"]),
                who=fields["who"],
            )
    return Found(None if stored is None else _of_entry(stored), given, measures)


def in_database(engine: Engine, request_id: str) -> Found:
    """Returns what the database has; measures are part of its prediction.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    one = (
        sa.select(predictions, models.c.name, models.c.version, models.c.classes)
        .join(models)
        .where(predictions.c.request_id == request_id)
    )
    all_of_it = sa.select(feedback).where(feedback.c.request_id == request_id)
    with engine.connect() as connection:
        row = connection.execute(one).mappings().one_or_none()
        given = {
            each.feedback_id: StoredFeedback(
                time=each.time, labels=tuple(each.labels), who=each.who
            )
            for each in connection.execute(all_of_it)
        }
    if row is None:
        return Found(None, given, {})
    model = ModelReference(name=row["name"], version=row["version"])
    return Found(_stored(dict(row), model, row["classes"], row["time"]), given, {})


def joined(found: Sequence[Found]) -> StoredPrediction | None:
    """Returns the fullest of the predictions that were found, with all else that was found.

    Feedback is in the order of time.
    """
    best = max(
        (each.prediction for each in found if each.prediction is not None),
        key=lambda prediction: prediction.properties is not None,
        default=None,
    )
    if best is None:
        return None
    given = {key: value for each in found for key, value in each.feedback.items()}
    in_order = sorted(given.values(), key=lambda each: each.time)
    late = {key: value for each in found for key, value in each.measures.items()}
    return best.model_copy(
        update={
            "properties": best.properties or _properties(late),
            "image": best.image or late.get("image"),
            "feedback": tuple(in_order),
        }
    )


def _of_entry(entry: Entry) -> StoredPrediction:
    fields = entry.fields
    model = ModelReference(name=fields["model_name"], version=fields["model_version"])
    classes = () if entry.model is None else entry.model.fields["classes"]
    return _stored({**fields, **entry.arrays}, model, classes, from_microseconds(fields["time"]))


def _stored(
    row: dict[str, Any], model: ModelReference, classes: Sequence[str], time: Any
) -> StoredPrediction:
    values = np.frombuffer(row["probabilities"], "<f4").tolist()
    names = classes or [str(index) for index in range(len(values))]
    return StoredPrediction(
        request_id=row["request_id"],
        time=time,
        model=model,
        prediction=Prediction(label=row["label"], probability=row["probability"]),
        abstained=row["is_abstained"],
        probabilities=dict(zip(names, values, strict=True)),
        properties=_properties(row),
        latency_s=row["latency_s"],
        image=row.get("image"),
    )


def _properties(row: dict[str, Any]) -> dict[str, float] | None:
    """Returns the properties of an image; None where it is not measured."""
    if row.get("brightness") is None:
        return None
    return {name: float(row.get(name) or 0) for name in NUMERIC}
