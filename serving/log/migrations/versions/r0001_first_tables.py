"""The first tables: models, predictions, api_log, feedback, drift_checks, deployments.

Columns are written out here, not taken from :mod:`serving.log.tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = ("deployments", "drift_checks", "feedback", "api_log", "predictions", "models")
_BY_TIME = ("predictions", "api_log", "feedback", "drift_checks", "deployments")
_MEASURES = (
    "brightness",
    "contrast",
    "sharpness",
    "saturation",
    "red_mean",
    "green_mean",
    "blue_mean",
    "red_deviation",
    "green_deviation",
    "blue_deviation",
    "aspect",
    "area_px",
    "n_bytes",
    "entropy",
)

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_DOUBLE = sa.Double[float]().with_variant(postgresql.DOUBLE_PRECISION(), "postgresql")
_TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Makes the tables and their indexes."""
    _create_models()
    _create_predictions()
    _create(
        "api_log",
        "request_id",
        *_texts("method", "route"),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("latency_s", _DOUBLE, nullable=False),
        *_texts("caller", "problem"),
    )
    _create(
        "feedback",
        "feedback_id",
        *_texts("request_id"),
        sa.Column("labels", sa.JSON, nullable=False),
        *_texts("who"),
    )
    _create(
        "drift_checks",
        "check_id",
        *_texts("model_name", "model_version", "status"),
        sa.Column("n_images", sa.Integer, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    _create(
        "deployments",
        "deployment_id",
        sa.Column("generation", sa.BigInteger, nullable=False),
        *_texts("action", "model_name", "model_version", "outcome", "detail"),
    )
    op.create_index("ix_feedback_request_id", "feedback", ["request_id"])
    op.create_index("ix_predictions_model_id_time", "predictions", ["model_id", "time"])
    for table in _BY_TIME:
        op.create_index(f"ix_{table}_time", table, ["time"])


def downgrade() -> None:
    """Drops everything, with what is in it."""
    for table in _TABLES:
        op.drop_table(table)


def _create_models() -> None:
    op.create_table(
        "models",
        sa.Column("id", _ROW_ID, nullable=False),
        *_texts("digest", "name", "version"),
        sa.Column("classes", sa.JSON, nullable=False),
        sa.Column("embedding_size", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
        sa.UniqueConstraint("digest", name="uq_models_digest"),
    )


def _create_predictions() -> None:
    _create(
        "predictions",
        "request_id",
        sa.Column("model_id", _ROW_ID, nullable=False),
        *_texts("label"),
        sa.Column("probability", _DOUBLE, nullable=False),
        sa.Column("is_abstained", sa.Boolean, nullable=False),
        sa.Column("latency_s", _DOUBLE, nullable=False),
        sa.Column("image", sa.Text),
        *(
            sa.Column(name, sa.BigInteger if name in ("area_px", "n_bytes") else _DOUBLE)
            for name in _MEASURES
        ),
        sa.Column("is_near_constant", sa.Boolean),
        sa.Column("perceptual_hash", sa.LargeBinary),
        sa.Column("mirrored_hash", sa.LargeBinary),
        sa.Column("probabilities", sa.LargeBinary, nullable=False),
        sa.Column("embedding_uae", sa.LargeBinary, nullable=False),
        sa.Column("embedding_bbsd", sa.LargeBinary),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_predictions_model_id"),
    )


def _create(table: str, unique: str, *columns: sa.schema.SchemaItem) -> None:
    """Makes a table of events: a number, an id that is there once, a time, and the rest."""
    op.create_table(
        table,
        sa.Column("id", _ROW_ID, nullable=False),
        *_texts(unique),
        sa.Column("time", _TIME, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint(unique, name=f"uq_{table}_{unique}"),
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]
