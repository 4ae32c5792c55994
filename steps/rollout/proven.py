"""Files that went well stay until others of the same version have gone well, too.

A version may be rolled out again with other code, and a rollback applies what is written for it.
While such a roll-out is under way, or where it died, the files of before lie beside the new ones,
with ``.before`` after their name; as long as they are there, the new ones are not to be trusted.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from steps.promotion.files import FOLDER
from vision.home import home


def keep(written: Path) -> None:
    """Trusts what was written, and drops what was there before.

    Args:
      written: the file or the folder in ``home()/deployments/<version>/`` that was applied.
    """
    _remove(_before(_top(written)))


def put_back(written: Path) -> None:
    """Puts back what was there before; without that, what was written stays to be looked at."""
    top = _top(written)
    before = _before(top)
    if before.exists():
        _remove(top)
        before.rename(top)


def set_aside(top: Path) -> None:
    """Makes way for new files, and keeps those of before unless others are kept already."""
    before = _before(top)
    if before.exists():
        _remove(top)  # nobody knows how that one would have ended
    elif top.exists():
        top.rename(before)


def _top(written: Path) -> Path:
    root = home() / FOLDER
    version, name, *_ = written.relative_to(root).parts
    return root / version / name


def _before(top: Path) -> Path:
    return top.with_name(f"{top.name}.before")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
