"""How the prediction log does, as ``/readyz`` and the metrics show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LogStatus:
    """One moment of the log.

    Attributes:
      state: ``degraded`` where records wait for a database that is down, or are dropped.
      detail: why, as sentences without paths and addresses.
      n_waiting: records that are not in the database yet.
      n_dropped: records that are lost, since the process started.
      waiting_bytes: what waits on the disk.
    """

    state: Literal["ok", "degraded", "off"]
    detail: str = ""
    n_waiting: int = 0
    n_dropped: int = 0
    waiting_bytes: int = 0
