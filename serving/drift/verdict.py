"""The verdict on a model version, in one file that all workers read.

``verdict.json`` is replaced in one step by the elected worker after each check; whoever reads it
sees the one before or the new one, complete.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.schema import DriftExample, DriftLevel, DriftMoment, DriftTest, DriftVerdict

FILE = "verdict.json"
N_HISTORY = 100
UNCHECKED = "No check has been made yet."
Key = tuple[str, str]


class Checked(BaseModel):
    """The last check of a model version, and those before it.

    Attributes:
      verdict: what is shown with predictions.
      key: name and version of the model that it is about.
      begun: when the window that it is about was begun, seconds since 1970.
      views: of each view the decisive test.
      tests: every test of the check.
      moved: the views that drift was found in.
      since: when the unbroken row of checks that found drift began.
      examples: predictions that are far from what is usual.
      detail: why there is no verdict, or what it says nothing about.
      seconds: how long the check took.
      n_seen: rows that were written to the window before the check.
      n_checks: checks of this version.
      n_errors: those that failed.
      history: the last checks, oldest first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: DriftVerdict = Field(default_factory=DriftVerdict)
    key: Key | None = None
    begun: float | None = None
    views: dict[str, DriftTest] = Field(default_factory=dict)
    tests: tuple[DriftTest, ...] = ()
    moved: tuple[str, ...] = ()
    since: datetime | None = None
    examples: tuple[DriftExample, ...] = ()
    detail: str = UNCHECKED
    seconds: float = 0.0
    n_seen: int = 0
    n_checks: int = 0
    n_errors: int = 0
    history: tuple[DriftMoment, ...] = ()

    def found(self, result: dict[str, Any], at: datetime, seconds: float) -> Checked:
        """Returns what is known after a check that had a result.

        Args:
          result: of :func:`serving.drift.finding.check_window`.
          at: when it was made.
          seconds: how long it took.

        Raises:
          ValidationError: the result is none.
        """
        status = "drift" if result["is_drift"] else "ok"
        values = {key: result[key] for key in _OF_RESULT}
        following = Checked.model_validate(
            {
                **values,
                "verdict": {"status": status, "checked_at": at, "n_images": result["n_images"]},
                "key": self.key,
                "begun": self.begun,
                "seconds": seconds,
                "n_checks": self.n_checks + 1,
                "n_errors": self.n_errors,
                "since": (self._drifts_since or at) if status == "drift" else None,
            }
        )
        return following.model_copy(update={"history": self._history_with(following)})

    def failed(self, reason: str, at: datetime, n_seen: int, n_images: int) -> Checked:
        """Returns what is known after a check that had none.

        Args:
          reason: a sentence.
          at: when it was made.
          n_seen: rows that were written before it.
          n_images: predictions in the window.
        """
        following = Checked(
            verdict=DriftVerdict(status="error", checked_at=at, n_images=n_images),
            key=self.key,
            begun=self.begun,
            detail=reason,
            n_seen=n_seen,
            n_checks=self.n_checks + 1,
            n_errors=self.n_errors + 1,
        )
        return following.model_copy(update={"history": self._history_with(following)})

    @property
    def _drifts_since(self) -> datetime | None:
        """When the drift of now began; a check that failed in between says nothing about it."""
        since = None
        for moment in self.history:
            if moment.status == "ok":
                since = None
            elif moment.status == "drift":
                since = since or moment.checked_at
        return since

    def _history_with(self, following: Checked) -> tuple[DriftMoment, ...]:
        verdict = following.verdict
        assert verdict.checked_at is not None
        assert verdict.status != "unknown"
        levels = {
            view: DriftLevel(p_value=test.p_value, threshold=test.threshold)
            for view, test in following.views.items()
        }
        moment = DriftMoment(
            checked_at=verdict.checked_at,
            status=verdict.status,
            n_images=verdict.n_images,
            moved=following.moved,
            views=levels,
        )
        return (*self.history, moment)[-N_HISTORY:]


_OF_RESULT = ("views", "tests", "moved", "examples", "n_seen", "detail")


class VerdictFile:
    """The file of one model version."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._seen: tuple[int, ...] | None = None

    def read_new(self) -> Checked | None:
        """Returns the verdict if the file is another than when it was last read or written.

        A damaged file, or one of another release, is no verdict.
        """
        try:
            found = _mark_of(self.path)
            if found == self._seen:
                return None
            self._seen = found
            return Checked.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return None

    def forget(self) -> None:
        """Has the file count as new when it is next read."""
        self._seen = None

    def write(self, checked: Checked) -> None:
        """Replaces the verdict.

        Raises:
          OSError: it cannot be written; the one before is still there.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=f".{FILE}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(checked.model_dump_json())
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._seen = _mark_of(self.path)

    def tidy(self) -> None:
        """Removes what a writer that was killed has left; for the elected worker alone."""
        for left in self.path.parent.glob(f".{FILE}.*"):
            left.unlink(missing_ok=True)


def _mark_of(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size
