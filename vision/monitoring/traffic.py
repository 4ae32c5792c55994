"""What was predicted in a period, for each version of a model: what monitoring looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from vision.monitoring.period import Period


@dataclass(frozen=True)
class BrokenRows:
    """Predictions whose vectors are not finite, or not as long as those of the bundle.

    Attributes:
      n: how many.
      n_newest: how many of the newest, as far back as the detectors compare.
      of_newest: how many the newest are, broken or not.
    """

    n: int = 0
    n_newest: int = 0
    of_newest: int = 0


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
      served_until: its last answer, where another version has replaced it; None where it is served.
      broken: predictions that are not in ``period`` either: nothing can be compared with them.
    """

    version: str
    period: Period
    n_left_out: int = 0
    problem: str = ""
    n_simulated: int = 0
    served_until: datetime | None = None
    broken: BrokenRows = field(default_factory=BrokenRows)


@dataclass(frozen=True, eq=False)
class Traffic:
    """What all versions of a model predicted.

    Attributes:
      name: the model's.
      since: start of the period, UTC.
      until: its end.
      versions: those that answered somebody, the one that did last first.
      note: why there is nothing, where there is nothing.
    """

    name: str
    since: datetime
    until: datetime
    versions: tuple[VersionTraffic, ...] = ()
    note: str = ""
