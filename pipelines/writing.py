"""What the command line says where a file that an option names cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def writing(option: str, path: Path, exit_code: int = 1) -> Iterator[None]:
    """Ends the command with one sentence where the block cannot write ``path``.

    Args:
      option: the option that named the file, such as ``--report``.
      path: the file; the folder above it is made where needed.
      exit_code: how the command then ends.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        # For a file where a folder has to be, Python says that it exists.
        why = "Not a directory" if isinstance(error, FileExistsError) else error.strerror
        refusal = click.ClickException(
            f"{option} {path} cannot be written: {why}; name a file that can"
        )
        refusal.exit_code = exit_code
        raise refusal from error
