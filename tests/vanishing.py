"""A folder that another process removes just when it is about to be looked into."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def vanish_when_listed(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    """Makes an empty folder, which is gone as soon as anybody lists it."""
    empty.mkdir(parents=True)
    list_folder = os.scandir

    def scandir(path: Any = ".") -> Any:
        if os.fspath(path) == str(empty):
            empty.rmdir()
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", scandir)
