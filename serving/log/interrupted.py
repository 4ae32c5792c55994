"""Statements that an interrupt struck let go of their database.

SQLAlchemy closes the connection of such a statement and not its cursor. The exception's traceback
keeps the cursor alive, and with sqlite the cursor keeps the connection open and its lock held: as
long as the exception is handled, nobody can write, and what wants to clean up fails with "database
is locked".
"""

from __future__ import annotations

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext


def let_go_when_interrupted() -> None:
    """Closes the cursors of interrupted statements, of every engine of this process.

    Also of those that belong to others, as ZenML and MLflow. A second call changes nothing.
    """
    if not event.contains(Engine, "handle_error", _close):
        event.listen(Engine, "handle_error", _close)


def _close(context: ExceptionContext) -> None:
    is_interrupted = not isinstance(context.original_exception, Exception)
    statement = context.execution_context
    # SQLAlchemy closes the cursors of all others itself.
    if is_interrupted and statement is not None and context.dialect.name == "sqlite":
        statement.cursor.close()
