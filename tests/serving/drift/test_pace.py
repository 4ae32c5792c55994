"""The pause between checks: four times the processor time of a check, not its length."""

from __future__ import annotations

import time

import pytest

from serving.drift.checking import CheckingProcess
from serving.drift.pace import Pace
from tests.serving.drift.conftest import MakeCheck
from tests.serving.drift.samples import fill, predictions, wait_for_check
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cost_s", "longest_s", "pause_s"),
    [(0.5, 86_400.0, 2.0), (0.06, 86_400.0, 0.24), (30.0, 86_400.0, 60.0), (0.5, 0.3, 0.3)],
)
def test_the_pause_is_four_times_the_cost(cost_s: float, longest_s: float, pause_s: float) -> None:
    pace = Pace(longest_s)
    assert not pace.is_resting
    assert pace.checked(cost_s) == pytest.approx(pause_s)
    assert pace.is_resting


def test_opening_the_detectors_again_counts_once() -> None:
    pace = Pace(86_400.0)
    pace.loaded(3.5)
    assert pace.checked(0.5) == 2.0
    pace.loaded(3.5)
    assert pace.checked(0.5) == 16.0
    assert pace.checked(0.5) == 2.0


def test_what_a_check_costs_is_its_processor_time(
    make_check: MakeCheck, model: ServingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    monkeypatch.setattr(Pace, "checked", lambda self, cost_s: paused.append(cost_s))
    # The clock says that everything took a minute longer, as on a machine that is busy.
    monkeypatch.setattr(CheckingProcess, "seconds", property(lambda self: 60.0))
    check = make_check()
    fill(check, predictions(model, 30))
    wait_for_check(check, 1)
    assert check.last.seconds == 60.0
    assert len(paused) == 1
    assert 0.0 < paused[0] < 10.0


def test_without_an_answer_it_is_the_time_that_was_waited() -> None:
    process = CheckingProcess()
    process._asked_at = time.monotonic() - 30.0
    assert process.cost_s >= 30.0
    process._cpu_s = 0.5
    assert process.cost_s == 0.5
