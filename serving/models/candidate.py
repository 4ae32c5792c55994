"""The candidate pointer: a model version that is tried beside the active one.

One small file, ``home()/serving/candidate.json``, replaced in one step like the active pointer and
with a lock of its own. Without the file nothing is tried. A candidate may have an end, after which
no request belongs to it and the workers remove the file, also where whoever has set it is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError

from serving.models.active import FOLDER, StoredVersion, locked, replace_pointer
from serving.models.state import ModelRefused
from vision import durable
from vision.errors import BundleError
from vision.home import home

Mode = Literal["shadow", "canary"]

_LOCK_FILE = "candidate.lock"


class Candidate(StoredVersion):
    """The version that is tried.

    Attributes:
      mode: ``canary`` answers its share of the requests; in the ``shadow`` it answers them for the
        log alone.
      share: of the requests.
      since: when it was set, UTC.
      until: when it ends, UTC; None where somebody ends it.
    """

    mode: Mode
    share: Annotated[float, Field(gt=0.0, le=1.0)]
    since: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    until: AwareDatetime | None = None

    def has_ended(self, now: datetime) -> bool:
        """Tells whether its time is over."""
        return self.until is not None and now >= self.until

    def has(self, request_id: str) -> bool:
        """Tells whether a request belongs to the share; of one id always the same."""
        digest = hashlib.blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8)
        return int.from_bytes(digest.digest(), "big") < self.share * 2**64


def candidate_path() -> Path:
    """Returns where the pointer is, where there is one."""
    return home() / FOLDER / "candidate.json"


def read_candidate() -> Candidate | None:
    """Returns the pointer, or None where nothing is tried.

    Raises:
      BundleError: the file is damaged.
    """
    path = candidate_path()
    try:
        return Candidate.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BundleError(
            f"the candidate pointer {FOLDER}/{path.name} in the project's home is damaged "
            f"({error.__class__.__name__}); set a candidate again, or delete the file"
        ) from error


@contextmanager
def candidate_locked(within_s: float) -> Iterator[None]:
    """Holds the lock of the pointer, against all processes of this machine.

    Raises:
      ModelRefused: ``busy``, it was held by another for ``within_s`` seconds; ``not_written``, what
        is done inside failed because the folder or a file cannot be written.
    """
    try:
        with locked(within_s, _LOCK_FILE):
            yield
    except OSError as error:
        problem = f"the candidate pointer cannot be written: {error.strerror or error}"
        raise ModelRefused("not_written", problem) from error


def write_candidate(candidate: Candidate) -> None:
    """Replaces the pointer; to be called with the lock held.

    Raises:
      OSError: it cannot be written; the old pointer is still there.
    """
    replace_pointer(candidate_path(), candidate.model_dump_json(indent=2) + "\n")


def remove_candidate() -> None:
    """Removes the pointer; to be called with the lock held.

    Raises:
      OSError: it cannot be removed.
    """
    path = candidate_path()
    if path.exists():
        path.unlink()
        durable.sync_folder(path.parent)
