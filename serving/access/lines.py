"""Keeps what clients send from forging lines of the log.

BentoML logs each request with its path, percent-decoded: ``/x%0A2026-01-01 all is well`` would be
two lines.
"""

from __future__ import annotations

import logging

_LONGEST = 500


def keep_to_one_line(logger: logging.Logger) -> None:
    """Makes each record of a logger one line; a second call changes nothing."""
    logger.addFilter(_ONE_LINE)


class OneLine(logging.Filter):
    """Escapes what is not printable in the arguments of a record, and cuts what is very long."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record where it must; lets every record pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(_printable(value) for value in record.args)
        return True


def _printable(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.isprintable():
        value = value.encode("unicode_escape").decode("ascii")
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."


_ONE_LINE = OneLine()
