"""Which places a dataset may read: its own folder, and the cache of the DVC workspace it lies in.

With ``cache.type`` ``symlink`` DVC puts a link to its cache where each file was. Such links are
followed although they lead outside the dataset, but only to what is named like an object of a
cache, so that a folder that brings a ``.dvc`` of its own cannot have other files opened.
"""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass
from pathlib import Path

_CONFIGS = ("config", "config.local")
# DVC 3 keeps objects under files/md5, DVC 2 right in the cache.
_OBJECT = re.compile(r"(files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}")


@dataclass(frozen=True)
class Bounds:
    """Where the files of a dataset may really lie.

    Attributes:
      root: the dataset's folder, resolved.
      cache: the folder of a DVC cache, resolved; None for no second place.
    """

    root: Path
    cache: Path | None = None

    def hold(self, real: Path) -> bool:
        """Whether a resolved path is below the root, or an object of the cache."""
        if real.is_relative_to(self.root):
            return True
        if self.cache is None or not real.is_relative_to(self.cache):
            return False
        return bool(_OBJECT.fullmatch(real.relative_to(self.cache).as_posix()))


def bounds_of(root: Path) -> Bounds:
    """Returns the bounds of the dataset in a folder."""
    real_root = root.resolve()
    workspaces = (folder / ".dvc" for folder in (real_root, *real_root.parents))
    about = next((folder for folder in workspaces if (folder / "config").is_file()), None)
    return Bounds(real_root, _cache(about) if about else None)


def _cache(about: Path) -> Path | None:
    """Returns the cache of a workspace as its own configuration has it; None where nobody can say.

    Args:
      about: the folder ``.dvc``, which a relative place in it starts from.
    """
    config = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        # The second file is the user's own, and wins.
        config.read([about / name for name in _CONFIGS], encoding="utf-8")
        place = config.get("cache", "dir", fallback=None) or "cache"
        return (about / place.strip("\"'")).resolve()
    except (configparser.Error, OSError, ValueError, RuntimeError):
        return None
