"""Column types that hold the same values in sqlite and in PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

# No text begins with this noncharacter by accident (Unicode 15, section 23.7).
_ESCAPE = "\ufffe"


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: a type of PostgreSQL's own, and ISO text without zone in sqlite."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Chooses the type of the database."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turns any zone into UTC; sqlite would drop the zone without asking."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Names the zone that is meant."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class AnyText(TypeDecorator[str]):
    r"""Text of strangers, given back as it came.

    PostgreSQL takes no NUL, and neither database takes half a surrogate pair: a text with one of
    them is stored as U+FFFE and the text in JSON. Every other text is stored as it is.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escapes what the databases refuse."""
        if value is None or (value.isascii() and "\0" not in value):
            return value
        if "\0" in value or value.startswith(_ESCAPE) or not _is_encodable(value):
            return _ESCAPE + json.dumps(value)
        return value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Undoes the escape."""
        if value is None or not value.startswith(_ESCAPE):
            return value
        return str(json.loads(value[len(_ESCAPE) :]))


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


Double = sa.Double[float]().with_variant(postgresql.DOUBLE_PRECISION(), "postgresql")
# sqlite numbers rows by itself only where the column is called INTEGER.
RowId = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
