"""What of ZenML's own log a person sees.

ZenML tells some forty lines a run. Kept are the lines that say which step starts, ends or comes
from the cache, and everything from warnings up. A failure that is foreseen has a message for a
person, so its traceback is left out here; ZenML stores it, and the dashboard shows it.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from zenml.constants import ENV_ZENML_LOGGING_COLORS_DISABLED
from zenml.logger import ZenMLConsoleFormatter, ZenMLConsoleHandler

from pipelines.interruption import is_interrupted
from vision.errors import VisionError

VERBOSITY_VARIABLE = "ZENML_LOGGING_VERBOSITY"

_STEP_LOGGERS = ("zenml.orchestrators.step_launcher", "zenml.orchestrators.step_run_utils")
_STEP_LINES = ("Step `", "Using cached version of step")
_SAYS_NOTHING = (
    # Follows from the failure that is told anyway.
    "Skipping step",
    "Failed to run step",
    # ZenML switches off autologging of a framework that MLflow 3 no longer knows.
    "Failed to disable MLflow autologging",
)


class _Selection(logging.Filter):
    """Passes the lines that are worth reading at a console."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Says whether the line is shown; a foreseen failure loses its traceback."""
        text = record.getMessage()
        if record.levelno < logging.WARNING:
            return record.name.startswith(_STEP_LOGGERS) and text.startswith(_STEP_LINES)
        error = record.exc_info[1] if record.exc_info else sys.exc_info()[1]
        # The report tells once more why the run ended; ZenML tells it twice. And whatever fails
        # because of an interrupt is nothing that somebody must look into.
        is_foreseen = isinstance(error, VisionError) or (error is not None and is_interrupted())
        return not is_foreseen and not text.startswith(_SAYS_NOTHING)


@contextmanager
def short_log() -> Iterator[None]:
    """Shortens the console's log inside the block, unless the user chose a verbosity."""
    if VERBOSITY_VARIABLE in os.environ:
        yield
        return
    selection = _Selection()
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, ZenMLConsoleHandler)]
    for handler in handlers:
        handler.addFilter(selection)
        if not sys.stdout.isatty():
            os.environ.setdefault(ENV_ZENML_LOGGING_COLORS_DISABLED, "true")
            handler.setFormatter(ZenMLConsoleFormatter())
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(selection)
