"""The tables of the prediction log, as the newest migration leaves them.

Vectors are little-endian float32 bytes: four bytes a number, read with ``np.frombuffer`` without a
copy. ``predictions.embedding_bbsd`` is NULL where it is the same as ``probabilities``, which is so
unless ``drift.bbsd_layer`` names another layer; ``embedding_penultimate`` is NULL in rows of older
releases. What all predictions of a model version share (its name, its classes) is one row of
``models``. Image properties are columns, named as in :mod:`vision.images.measure`; NULL where the
image was not measured.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from serving.log.column_types import AnyText, Double, RowId, UtcTime
from vision.images.measure import NUMERIC

# Constraints need names of their own, or no migration can drop them.
metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

INTEGERS = ("area_px", "n_bytes")
HASHES = ("perceptual_hash", "mirrored_hash")


def _property(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger() if name in INTEGERS else Double)


models = sa.Table(
    "models",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    # sha256 over name, version, classes and vector lengths: a version is what it is made of.
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("name", AnyText, nullable=False),
    sa.Column("version", AnyText, nullable=False),
    sa.Column("classes", sa.JSON, nullable=False),
    sa.Column("embedding_size", sa.Integer, nullable=False),
)

predictions = sa.Table(
    "predictions",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("request_id", AnyText, nullable=False, unique=True),
    sa.Column("time", UtcTime, nullable=False),
    sa.Column("model_id", RowId, sa.ForeignKey("models.id"), nullable=False),
    sa.Column("label", AnyText, nullable=False),
    sa.Column("probability", Double, nullable=False),
    sa.Column("is_abstained", sa.Boolean, nullable=False),
    sa.Column("latency_s", Double, nullable=False),
    sa.Column("image", AnyText),
    *(_property(name) for name in NUMERIC),
    sa.Column("is_near_constant", sa.Boolean),
    *(sa.Column(name, sa.LargeBinary) for name in HASHES),
    sa.Column("probabilities", sa.LargeBinary, nullable=False),
    sa.Column("embedding_uae", sa.LargeBinary, nullable=False),
    sa.Column("embedding_bbsd", sa.LargeBinary),
    sa.Column("embedding_penultimate", sa.LargeBinary),
    # Monitoring reads the newest of a model version; export and prune go by time alone.
    sa.Index(None, "model_id", "time"),
    sa.Index(None, "time"),
)

api_log = sa.Table(
    "api_log",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("request_id", AnyText, nullable=False, unique=True),
    sa.Column("time", UtcTime, nullable=False, index=True),
    sa.Column("method", AnyText, nullable=False),
    sa.Column("route", AnyText, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("latency_s", Double, nullable=False),
    sa.Column("caller", AnyText, nullable=False),
    sa.Column("problem", AnyText, nullable=False),
)

feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("feedback_id", AnyText, nullable=False, unique=True),
    # No foreign key: feedback may be stored before its prediction, and stay when that is pruned.
    sa.Column("request_id", AnyText, nullable=False, index=True),
    sa.Column("time", UtcTime, nullable=False, index=True),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("who", AnyText, nullable=False),
)

drift_checks = sa.Table(
    "drift_checks",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("check_id", AnyText, nullable=False, unique=True),
    sa.Column("time", UtcTime, nullable=False, index=True),
    sa.Column("model_name", AnyText, nullable=False),
    sa.Column("model_version", AnyText, nullable=False),
    sa.Column("status", AnyText, nullable=False),
    sa.Column("n_images", sa.Integer, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    sa.Column("deployment_id", AnyText, nullable=False, unique=True),
    sa.Column("time", UtcTime, nullable=False, index=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("action", AnyText, nullable=False),
    sa.Column("model_name", AnyText, nullable=False),
    sa.Column("model_version", AnyText, nullable=False),
    sa.Column("outcome", AnyText, nullable=False),
    sa.Column("detail", AnyText, nullable=False),
)
