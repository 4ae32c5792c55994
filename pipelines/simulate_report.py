"""What a simulation has seen so far, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.simulate_images import UNSEEN, Query
from pipelines.simulate_service import Answer, Verdict
from vision.wording import count

_DRIFT = "drift"


@dataclass
class Tally:
    """Counts what came back, and notes when the service saw drift.

    Attributes:
      before: the service's verdict before the first image.
      n_before: predictions that were in its window then.
      n_answers: images that were classified.
      n_refused: images that were refused.
      refusal: what the first refusal said.
      first_drift: number of the image, from 1, whose answer was the first to say drift; of the
        last image where only ``GET /drift`` said so afterwards.
    """

    before: Verdict
    n_before: int = 0
    n_answers: int = 0
    n_refused: int = 0
    refusal: str = ""
    first_drift: int | None = None

    def __post_init__(self) -> None:
        self.verdict = self.before
        self._n_checked = 0
        self._n_known = self._n_right = self._n_unseen = 0

    @property
    def n_sent(self) -> int:
        """Images that were sent."""
        return self.n_answers + self.n_refused

    @property
    def n_unchecked(self) -> int:
        """Images that were sent since another check was last heard of."""
        return self.n_sent - self._n_checked

    def note(self, query: Query, answer: Answer | str) -> bool:
        """Takes in an answer, or why there is none; returns whether the verdict is another."""
        if isinstance(answer, str):
            self.n_refused += 1
            self.refusal = self.refusal or answer
            return False
        self.n_answers += 1
        if query.labels == (UNSEEN,):
            self._n_unseen += 1
        elif query.labels:
            self._n_known += 1
            self._n_right += answer.label in query.labels
        return self.note_verdict(answer.verdict)

    def note_verdict(self, verdict: Verdict) -> bool:
        """Takes in a verdict; returns whether it is another than the one before."""
        # Answers overtake one another, and a worker may not have heard of the last check yet.
        if verdict.checked_at < self.verdict.checked_at:
            return False
        is_new = verdict.status != self.verdict.status
        if verdict.checked_at != self.verdict.checked_at:
            self._n_checked = self.n_sent
        self.verdict = verdict
        was_drift = self.before.status == _DRIFT
        if verdict.status == _DRIFT and self.first_drift is None and not was_drift:
            self.first_drift = self.n_sent
        return is_new

    def lines(self, seconds: float) -> Iterator[str]:
        """Yields what there is to say about the answers."""
        rate = self.n_sent / seconds if seconds > 0 else 0.0
        yield f"sent {count(self.n_sent, 'image')} in {seconds:.1f} s ({rate:.1f}/s)"
        if self.n_refused:
            yield f"{self.n_refused:,} were refused, the first with {self.refusal}"
        if self._n_known:
            wrong = self._n_known - self._n_right
            accuracy = self._n_right / self._n_known
            yield f"answers: {wrong:,} of {self._n_known:,} wrong (accuracy {accuracy:.3f})"
        if self._n_unseen:
            yield f"{count(self._n_unseen, 'image')} showed nothing that the model knows"

    def drift_line(self, report: Mapping[str, Any]) -> str:
        """Returns what the service saw, by what ``GET /drift`` says in the end."""
        if self.before.status == _DRIFT:
            moved = ", ".join(moved_views(report))
            now = f"now it is {self.verdict.status}{f'; moved: {moved}' if moved else ''}"
            return f"drift was there before the first image, and {now}"
        if self.first_drift is None:
            every_n = int(report.get("every_n") or self.n_sent + 1)
            is_open = self.n_unchecked >= every_n
            late = "; a check is due that has not come yet: GET /drift will tell" if is_open else ""
            return f"drift was not seen; the last check said {self.verdict.status}{late}"
        n_images, views = self._first_check(report)
        by = f", by a check that had {n_images:,} of them" if n_images else ""
        after = "" if self.verdict.status == _DRIFT else f", and {self.verdict.status} in the end"
        return (
            f"drift was first seen at image {self.first_drift:,}{by}{after}; moved: "
            f"{', '.join(views) or '-'}"
        )

    def _first_check(self, report: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
        """Returns what the first check that found drift had of these images, and the views.

        How many they were is not known, and 0, where the window was full.
        """
        checks, window = report.get("history"), int(report.get("window") or 0)
        for check in checks if isinstance(checks, list) else []:
            # Times of one service in one form: their order as texts is their order.
            is_new = str(check.get("checked_at") or "") > self.before.checked_at
            if is_new and check.get("status") == _DRIFT:
                n_images = int(check.get("n_images") or 0)
                n_new = n_images - self.n_before if n_images < window else 0
                return n_new, tuple(check.get("moved") or ())
        return 0, moved_views(report)


def moved_views(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the views in which ``GET /drift`` shows drift."""
    moved = report.get("moved")
    return tuple(map(str, moved)) if isinstance(moved, list) else ()
