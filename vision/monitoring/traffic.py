"""What was predicted in a period, for each version of a model: what monitoring looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vision.monitoring.period import Period


@dataclass(frozen=True, eq=False)
class VersionTraffic:
    """What one model version predicted.

    Attributes:
      version: the model's version.
      period: its predictions.
      n_left_out: predictions that older releases logged without all embeddings; they are not in
        ``period``.
      problem: why it cannot be compared with the model's reference set; empty where it can.
      n_simulated: predictions of ``period`` that ``run.py simulate`` asked for; unless all are,
        feedback on them is left out.
    """

    version: str
    period: Period
    n_left_out: int = 0
    problem: str = ""
    n_simulated: int = 0


@dataclass(frozen=True, eq=False)
class Traffic:
    """What all versions of a model predicted.

    Attributes:
      name: the model's.
      since: start of the period, UTC.
      until: its end.
      versions: those that predicted something, the newest first.
      note: why there is nothing, where there is nothing.
    """

    name: str
    since: datetime
    until: datetime
    versions: tuple[VersionTraffic, ...] = ()
    note: str = ""
