"""Turns a bento, an image, their tests and the gate's decision into sections of a passport."""

from __future__ import annotations

from typing import Any

from vision.comparison.decision import Decision
from vision.packages import BentoTest, BuiltBento, ImageResult
from vision.passport.sections import finite
from vision.passport.shipped_parts import ApprovalPart, BentoPart, ImagePart


def bento_section(built: BuiltBento, test: BentoTest | None) -> BentoPart:
    """Says what the bento is, and what its test found; None where it was not tested."""
    found: dict[str, Any] = {}
    if test is not None:
        found = {
            "passed": test.passed,
            "problems": test.problems,
            "n_packages": test.n_packages,
            "cold_start_s": finite(test.cold_start_s),
            "memory_bytes": test.memory_bytes,
            "golden_difference": finite(test.golden_difference),
        }
    return BentoPart(
        tag=built.tag,
        digest=built.digest,
        n_bytes=built.n_bytes,
        backend=built.backend,
        differs=built.differs,
        **found,
    )


def image_section(result: ImageResult) -> ImagePart:
    """Says what the image is, or why there is none, and what its test found."""
    test, found = result.test, {}
    if test is not None:
        found = {
            "passed": not test["problems"],
            "problems": tuple(test["problems"]),
            "not_checked": tuple(test["not_checked"]),
            "cold_start_s": finite(test["cold_start_s"]),
            "memory_bytes": test["memory_bytes"],
            "golden_difference": finite(test["golden_difference"]),
        }
    return ImagePart(
        sentence=result.sentence,
        tag=result.tag,
        digest=result.digest,
        n_bytes=result.n_bytes,
        builder=result.builder,
        packages=dict(result.packages) or None,
        pushed_to=result.pushed_to,
        **found,
    )


def approvals_section(decision: Decision) -> tuple[ApprovalPart, ...]:
    """Says what a person answered; empty where nobody was asked, or has answered."""
    found = decision.approval
    if found is None or found.answer is None:
        return ()
    return (
        ApprovalPart(is_approved=found.answer == "approved", by=found.by, at=found.answered_at),
    )
