"""Files that start an image have their own names once that went well, and others until then.

What is written for a version lies in ``home()/deployments/<version>/tried-...`` while it is tried,
and stays there to be looked at where it fails or dies. A rollback applies what went well before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from steps.promotion.files import FOLDER
from vision.bundles.manifest import check_id
from vision.home import folder, home

_TRIED = "tried-"


def make_way(version: str, name: str) -> Path:
    """Returns where the files of a version are written to be tried; what was there is gone.

    Args:
      version: of the model.
      name: of the file, or of the folder, once it went well.
    """
    top = folder(FOLDER) / check_id(version, "model version") / f"{_TRIED}{name}"
    top.parent.mkdir(parents=True, exist_ok=True)
    _remove(top)
    return top


def keep(written: Path) -> Path:
    """Trusts what was tried, instead of what went well before; returns where it is now.

    Args:
      written: below what :func:`make_way` has returned, or that itself.
    """
    root = home() / FOLDER
    version, tried, *below = written.relative_to(root).parts
    top = root / version / tried.removeprefix(_TRIED)
    if tried.startswith(_TRIED):
        if top.is_dir():
            shutil.rmtree(top)
        (root / version / tried).replace(top)
    return top.joinpath(*below)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
