"""What was found when a challenger was compared with the champion."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from vision.comparison.judge import Cost, Reason, Verdict
from vision.comparison.paired import Difference, McNemar
from vision.comparison.slices import Slice


class Comparison(BaseModel):
    """Whether the challenger replaces the champion, and everything that was measured for it.

    Attributes:
      name: the model's name.
      challenger: its version.
      champion: the version in use; None where there is none, or it is not known which.
      verdict: ``promote``, ``reject``, or ``inconclusive``: for a person to decide.
      reasons: every rule that was judged.
      split: whose images both were scored on.
      data_digest: of the annotation table.
      n_images: that both were scored on.
      difference: of the metric; None without a champion.
      mcnemar: where exactly one of the two is right; None without a champion.
      slices: recalls by class, the largest drop first.
      costs: of challenger and champion on this machine.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    challenger: str
    champion: str | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    split: str
    data_digest: str
    n_images: int
    difference: Difference | None = None
    mcnemar: McNemar | None = None
    slices: tuple[Slice, ...] = ()
    costs: tuple[Cost, ...] = ()
