"""Keeps BentoML from calling home, also when it is started by its own command line.

BentoML 1.4 asks ``BENTOML_DO_NOT_TRACK`` once, before it imports ``service.py``, and remembers the
answer; the switch that ``service.py`` sets would come too late, and the start, and then every
twelve hours of serving, would be reported to t.bentoml.com. Forgetting the remembered answer makes
it ask again, before anything was sent. The pinned version range and a test that watches every
connection of ``bentoml serve`` guard this use of a private module.
"""

from __future__ import annotations

import os

from bentoml._internal.utils.analytics import usage_stats


def forget_tracking_answer() -> None:
    """Makes BentoML read ``BENTOML_DO_NOT_TRACK`` again, which is set to ``True`` if unset."""
    os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
    usage_stats.do_not_track.cache_clear()
