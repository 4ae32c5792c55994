"""Standard streams that outlive whoever reads them.

``run.py … | head`` closes the pipe after ten lines. What writes to it next fails, be it our
summary, ZenML's log or a library's warning, and would end a training that goes well.
"""

from __future__ import annotations

import io
import sys
from typing import Any, TextIO


class _Lasting(io.FileIO):
    """A file descriptor that takes and drops what nobody reads any more."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Makes standard output and error last; to be called before anything keeps hold of them."""
    sys.stdout = _lasting(sys.stdout)
    sys.stderr = _lasting(sys.stderr)


def _lasting(stream: TextIO) -> TextIO:
    stream.flush()
    raw = _Lasting(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=True,
    )
