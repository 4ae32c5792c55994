"""Folders that other processes see complete or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Gives a folder to write in that is renamed to ``target`` when the block ends well.

    A killed or failed writer leaves no ``target``. Of several at once the first one's stays.

    Args:
      target: the folder to make; the one above it is made where needed.

    Raises:
      OSError: it cannot be written or renamed, and nobody else has made it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield draft
        draft.chmod(0o755)
        draft.rename(target)
    except OSError:
        # Another process was faster: a folder that holds files is never renamed over.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
