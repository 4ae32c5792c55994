"""How soon a check may follow the one before, so that checks never take a machine over.

What counts is the processor time of the checking process and not how long the check took: on a
busy machine it takes long because it is nice, and that is when drift must not go unseen.
"""

from __future__ import annotations

import time

PAUSE, LONGEST_PAUSE_S = 4.0, 60.0


class Pace:
    """The pause after a check: four times what it cost, so at most a fifth of a core is taken.

    Args:
      longest_s: a pause is never longer, and never longer than a minute.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = min(longest_s, LONGEST_PAUSE_S)
        self._is_loaded_before = False
        self._reload_s = 0.0
        self._not_before = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether the pause is not over yet."""
        return time.monotonic() < self._not_before

    def loaded(self, cost_s: float) -> None:
        """Takes note of what opening the detectors cost; the first time is not counted."""
        self._reload_s = cost_s if self._is_loaded_before else 0.0
        self._is_loaded_before = True

    def checked(self, cost_s: float) -> float:
        """Begins the pause after a check, and returns its seconds."""
        pause_s = min(PAUSE * (cost_s + self._reload_s), self._longest_s)
        self._reload_s = 0.0
        self._not_before = time.monotonic() + pause_s
        return pause_s
