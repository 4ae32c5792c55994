"""Locks for tests: the pins of some packages, as the repository has them."""

from __future__ import annotations

from steps.packaging.packages import locked_packages
from vision.home import repository


def locked_of(lock: str, *names: str) -> str:
    """Returns a lock with the pins that ``requirements/<lock>`` has of these packages."""
    found = {
        each.name: each.version for each in locked_packages(repository() / "requirements" / lock)
    }
    zeros = "0" * 64
    return "".join(f"{name}=={found[name]} \\\n    --hash=sha256:{zeros}\n" for name in names)
