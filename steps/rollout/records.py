"""What is written into the table ``deployments`` about a roll-out."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from serving.record import DeploymentRecord
from vision.bundles.rolled_out import RollOut
from vision.progress import say

Record = Callable[[DeploymentRecord], str | None]


def write_down(found: RollOut, number: int, record: Record) -> None:
    """Records a roll-out or a trial; a database that is away costs a sentence and nothing else.

    Args:
      found: what became of it.
      number: how often the champion has changed.
      record: stores a row, and returns why it did not.
    """
    action = "roll_out" if found.mode == "all" else f"trial_{found.mode}"
    row = DeploymentRecord(
        deployment_id=uuid.uuid4().hex,
        generation=number,
        action=action,
        model_name=found.model,
        model_version=found.version,
        outcome=found.outcome,
        detail=found.reason,
    )
    if problem := record(row):
        say(problem)
