"""Which processes of this machine use a file or folder now."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

# Of a path, and of other names of what is there.
User = Callable[..., str]


@dataclass(frozen=True)
class _Process:
    pid: int
    name: str
    folder: str
    words: tuple[str, ...]


def find_users() -> User:
    """Looks at all processes once.

    Returns:
      A function of a path, and of other names of what is there: the first process that works in
      it or has one of them in its command line, as ``podman (123)``; empty where there is none.
    """
    found = []
    for each in psutil.process_iter(["pid", "name", "cwd", "cmdline"]):
        info = each.info  # what may not be seen is None
        if info["pid"] != os.getpid():
            folder = info["cwd"] or ""
            words = tuple(_words(info["cmdline"] or (), folder))
            found.append(_Process(info["pid"], info["name"] or "", folder, words))

    def user(place: Path, *names: str) -> str:
        wanted = (str(place), *names)
        for each in found:
            is_inside = f"{each.folder}/".startswith(f"{place}/")
            if is_inside or any(name in word for word in each.words for name in wanted):
                return f"{each.name} ({each.pid})"
        return ""

    return user


def _words(line: Sequence[str], folder: str) -> Iterator[str]:
    for word in line:
        yield word
        # A relative path, or one after an option's equals sign.
        yield os.path.normpath(os.path.join(folder, word.rpartition("=")[2]))  # noqa: PTH118
