"""A third embedding: ``predictions.embedding_penultimate``, NULL in rows of older releases.

Both databases add such a column without touching a row, so a log of any size is ready at once.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column."""
    op.add_column("predictions", sa.Column("embedding_penultimate", sa.LargeBinary))


def downgrade() -> None:
    """Drops the column, with what is in it."""
    op.drop_column("predictions", "embedding_penultimate")
