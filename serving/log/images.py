"""Images that are kept: some of those that were served, as files by day, without metadata.

``images/2026-01-31/<request id>.jpg``. Which requests' images are kept follows from the request id
alone, so the same requests are chosen in a replay. The oldest go when all of them are too large or
too old; several processes may keep and remove at once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.log.strip import strip_metadata
from serving.record import PredictionRecord
from vision.listing import list_paths

logger = logging.getLogger("bentoml.visionstack.log")

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,80}")
_DAY_S = 24 * 60 * 60
_CLEAN_EVERY_S = 600.0
# What may be written between two looks at what others have written, and how much room one makes.
_SHARE_BETWEEN_LOOKS, _SHARE_KEPT = 0.02, 0.95


@dataclass(frozen=True)
class ImagePolicy:
    """Which images are kept and for how long.

    Attributes:
      share: of requests whose image is kept, 0 to 1.
      max_bytes: of all images together.
      max_days: after which an image goes.
    """

    share: float
    max_bytes: int
    max_days: float


class ImageFolder:
    """The folder of images that are kept; nothing is made until there is one."""

    def __init__(
        self, folder: Path, policy: ImagePolicy, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._policy = policy
        self._clock = clock
        self._cleans_at = 0.0
        self._unseen_bytes = 0
        self._total_bytes = 0
        self._has_failed = False

    def keep(self, record: PredictionRecord) -> str | None:
        """Keeps the image of a prediction if it is chosen; returns its file's path in the folder.

        A disk that takes no image costs nothing but the image.
        """
        if not is_chosen(record.request_id, self._policy.share):
            return None
        data, extension = strip_metadata(record.data, record.pixels)
        if len(data) > self._policy.max_bytes:
            return None
        name = f"{record.time:%Y-%m-%d}/{_file_stem(record.request_id)}.{extension}"
        try:
            _write(self._folder / name, data)
        except OSError as error:
            if not self._has_failed:
                logger.error("Images cannot be kept in %s: %s", self._folder, error.strerror)
            self._has_failed = True
            return None
        self._has_failed = False
        self._unseen_bytes += len(data)
        if self._is_crowded():
            self._clean()
        return name

    def clean(self) -> None:
        """Removes what is too old, from time to time."""
        if self._policy.share > 0 and self._clock() >= self._cleans_at:
            self._clean()

    def _is_crowded(self) -> bool:
        limit = self._policy.max_bytes
        return (
            self._total_bytes + self._unseen_bytes > limit
            or self._unseen_bytes > limit * _SHARE_BETWEEN_LOOKS
        )

    def _clean(self) -> None:
        self._cleans_at = self._clock() + _CLEAN_EVERY_S
        oldest = self._clock() - self._policy.max_days * _DAY_S
        remove_older(self._folder, oldest)
        files = sorted(list_images(self._folder))
        total = sum(size for _, size, _ in files)
        if total > self._policy.max_bytes:
            wanted = self._policy.max_bytes * _SHARE_KEPT
            for _, size, path in files:
                if total <= wanted:
                    break
                path.unlink(missing_ok=True)
                total -= size
        self._total_bytes, self._unseen_bytes = total, 0


def is_chosen(request_id: str, share: float) -> bool:
    """Tells whether the image of a request belongs to the share that is kept."""
    if share >= 1:
        return True
    return zlib.crc32(request_id.encode("utf-8", "surrogatepass")) < share * 2**32


def list_images(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yields (time of writing, bytes, path) of every image."""
    for path in list_paths(folder, "????-??-??/*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        yield status.st_mtime, status.st_size, path


def remove_older(folder: Path, time_s: float) -> None:
    """Removes the images that were written before a time (seconds since 1970)."""
    for written, _, path in list_images(folder):
        if written < time_s:
            path.unlink(missing_ok=True)
    for day in list_paths(folder, "????-??-??"):
        try:
            day.rmdir()
        except OSError:
            continue  # it holds something


def _file_stem(request_id: str) -> str:
    """Returns the request id, where it can be a file's name; else a digest of it."""
    if _SAFE.fullmatch(request_id):
        return request_id
    return hashlib.sha256(request_id.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    for _ in range(2):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
        except FileNotFoundError:
            continue  # the folder of the day was just removed, being empty
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        temporary.replace(path)
        return
    raise FileNotFoundError(2, "the folder of the day vanishes", str(path.parent))
