"""An artifact store that has no folder: whoever writes past it to the disk is found out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

ROOT = "memory://artifacts/one"


class MemoryStore:
    """The part of ZenML's artifact store that materializers use, held in a dictionary."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    @contextmanager
    def open(self, path: str, mode: str = "r") -> Iterator[io.BytesIO]:
        if mode == "rb":
            yield io.BytesIO(self.files[path])
            return
        assert mode == "wb", f"files are read and written as bytes, not {mode!r}"
        buffer = io.BytesIO()
        yield buffer
        self.files[path] = buffer.getvalue()

    def makedirs(self, path: str) -> None:
        assert path.startswith(ROOT)

    def exists(self, path: str) -> bool:
        return any(name == path or name.startswith(f"{path}/") for name in self.files)

    def isdir(self, path: str) -> bool:
        return path not in self.files and self.exists(path)

    def listdir(self, path: str) -> list[str]:
        below = [name[len(path) + 1 :] for name in self.files if name.startswith(f"{path}/")]
        return sorted({name.split("/")[0] for name in below})

    def size(self, path: str) -> int:
        return len(self.files[path])
