"""How a version of the sample model was decided about and rolled out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from vision.bundles.rolled_out import Figures, Replica, RollOut
from vision.comparison.decision import Approval, Decision

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def make_rollout(version: str) -> RollOut:
    """Returns a roll-out to one service that went well."""
    seen = Figures(n_requests=1_200, n_errors=0, median_ms=4.0)
    replica = Replica(
        address="127.0.0.1:3000", former="v1", served=version, ready_s=0.41, watched=seen
    )
    return RollOut(
        target="local",
        model="colours",
        version=version,
        outcome="done",
        began_at=NOW,
        ended_at=NOW,
        watch_s=10.0,
        replicas=(replica,),
    )


def make_decision(answer: Literal["approved", "rejected"] | None) -> Decision:
    """Returns the decision about a version that Ann was asked about."""
    approval = Approval(
        model="colours",
        version="v2",
        verdict="promote",
        comparison="0" * 64,
        asked_at=NOW,
        answer=answer,
        by="Ann" if answer else "",
        answered_at=NOW if answer else None,
    )
    return Decision(
        outcome="go",
        sentence="it was approved",
        model="colours",
        version="v2",
        verdict="promote",
        comparison="0" * 64,
        approval=approval,
    )
