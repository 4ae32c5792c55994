"""What may not be in the image of the service: what builds, what fetches, and what trains."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

# Programs that build or fetch; a version or a target may stand beside the name.
_PROGRAMS = re.compile(
    r"^(?:[a-z0-9_]+-linux-gnu-)?"
    r"(?:gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|ld|as|make|cmake|ninja|git|pip|pip3|uv|curl|wget|dvc|zenml|mlflow)"
    r"(?:-?[0-9.]+)?$"
)
_PROGRAM_FOLDERS = ("bin", "sbin")
# Distributions of training, validation and versioning, and what would break OpenCV.
FORBIDDEN_PACKAGES = frozenset(
    {"deepchecks", "dvc", "imgaug", "keras", "mlflow", "pip", "tensorflow", "tf_keras", "torch"}
    | {"zenml", "opencv_python", "opencv_contrib_python"}
)
_LEFT_OVERS = ("var/lib/apt/lists/", "root/.cache/", "var/cache/apt/archives/")


def find_forbidden(files: Iterable[str], *, alibi: bool) -> tuple[str, ...]:
    """Returns the paths that must not be in the image, sorted.

    Args:
      files: every path of the image, without a leading slash.
      alibi: whether the image was built for ``drift.backend: alibi``.
    """
    packages = FORBIDDEN_PACKAGES | (frozenset() if alibi else {"alibi_detect"})
    return tuple(sorted(path for path in files if _is_forbidden(path, packages)))


def list_packages(files: Iterable[str]) -> dict[str, str]:
    """Returns the version of every Python distribution of the image by its normalised name."""
    found = {}
    for path in files:
        name = PurePosixPath(path).name
        if name.endswith(".dist-info"):
            package, _, version = name.removesuffix(".dist-info").partition("-")
            found[package.lower().replace("-", "_").replace(".", "_")] = version
    return found


def _is_forbidden(path: str, packages: frozenset[str]) -> bool:
    pure = PurePosixPath(path)
    if pure.parent.name in _PROGRAM_FOLDERS and _PROGRAMS.match(pure.name):
        return True
    if any(path.startswith(folder) for folder in _LEFT_OVERS):
        return True
    return pure.name.endswith(".dist-info") and bool(list_packages([path]).keys() & packages)
