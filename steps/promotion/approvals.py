"""What people were asked about versions, and said: ``home()/deployments/approvals``.

One file per version, ``<model>/<version>.json``, replaced in one step. An answer belongs to one
comparison: when the version is compared again and found different, it is asked for again; also when
the version was taken back since.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from steps.promotion.files import FOLDER, kept_path, read_kept, write_kept
from vision.bundles.manifest import check_id
from vision.comparison.comparison import Comparison
from vision.comparison.decision import Approval, digest_comparison, is_about, tell_taken_back
from vision.errors import VisionError
from vision.home import home

_KIND = "approvals"


def read_approval(model: str, version: str) -> Approval | None:
    """Returns what is known of a version; None where nobody was asked.

    Raises:
      VisionError: the file is damaged.
    """
    mend = "delete the file and run the deployment again, which asks anew"
    what = f"the approval of {model} {version}"
    return read_kept(_path(model, version), Approval, what, mend)


def ask_approval(comparison: Comparison, taken_back: datetime | None = None) -> Approval:
    """Asks for an answer to a comparison, unless it was asked for already.

    Args:
      comparison: of challenger and champion.
      taken_back: when the challenger was last taken back; an answer from before does not count.

    Raises:
      VisionError: it cannot be written.
    """
    known = read_approval(comparison.name, comparison.challenger)
    if known is not None and is_about(known, comparison, taken_back):
        return known
    reasons = [f"{each.rule}: {each.sentence}" for each in comparison.reasons]
    if taken_back is not None:
        reasons.append(f"rollback: {tell_taken_back(taken_back)}")
    asked = Approval(
        model=comparison.name,
        version=comparison.challenger,
        verdict=comparison.verdict,
        comparison=digest_comparison(comparison),
        reasons=tuple(reasons),
        asked_at=datetime.now(UTC),
    )
    return _write(asked)


def answer_approval(version: str, by: str, *, approve: bool, model: str | None = None) -> Approval:
    """Writes down what a person says about a version; the last answer counts.

    Args:
      version: that was asked about.
      by: who says it.
      approve: whether the version may be promoted.
      model: the model's name; needed where two models were asked about such a version.

    Raises:
      VisionError: nobody asked about the version, or about two of that name.
    """
    found = [each for each in _all() if each.version == version and model in (None, each.model)]
    if len(found) > 1:
        names = ", ".join(each.model for each in found)
        raise VisionError(f"version {version!r} is of several models ({names}); add --model NAME")
    if not found:
        waiting = [f"{each.model} {each.version}" for each in waiting_approvals()]
        listed = f"waiting: {', '.join(waiting)}" if waiting else "nothing waits"
        raise VisionError(
            f"nobody asks about version {version!r}; {listed}. Run the deployment first: it "
            "compares the version with the champion, and asks"
        )
    answer = {"answer": "approved" if approve else "rejected", "by": by}
    return _write(found[0].model_copy(update={**answer, "answered_at": datetime.now(UTC)}))


def waiting_approvals() -> tuple[Approval, ...]:
    """Returns what nobody has answered yet, the oldest first.

    Raises:
      VisionError: a file is damaged.
    """
    return tuple(sorted((a for a in _all() if a.answer is None), key=lambda each: each.asked_at))


def _all() -> list[Approval]:
    paths = sorted((home() / FOLDER / _KIND).glob("*/[!.]*.json"))
    return [each for p in paths if (each := read_approval(p.parent.name, p.stem)) is not None]


def _write(approval: Approval) -> Approval:
    what = f"the approval of {approval.model} {approval.version}"
    write_kept(_path(approval.model, approval.version), approval, what, "approval")
    return approval


def _path(model: str, version: str) -> Path:
    place = f"{_KIND}/{check_id(model, 'model name')}"
    return kept_path(place, check_id(version, "model version"))
