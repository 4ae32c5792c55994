"""Tests of serving/telemetry.py."""

import pytest
from bentoml._internal.utils.analytics import usage_stats

from serving.telemetry import forget_tracking_answer


def test_bentoml_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENTOML_DO_NOT_TRACK", raising=False)
    usage_stats.do_not_track.cache_clear()
    assert usage_stats.do_not_track() is False
    forget_tracking_answer()
    assert usage_stats.do_not_track() is True
