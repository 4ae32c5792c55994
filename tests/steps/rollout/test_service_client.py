"""When a service counts as serving a version: eight answers agree, and every worker."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pytest

from steps.rollout.service_client import RollOutError
from steps.rollout.snapshot import Snapshot
from tests.steps.rollout.pretend import V1, V2, PretendService

pytestmark = pytest.mark.unit

OLD, NEW = ("digits", "v1"), ("digits", "v2")


@dataclass(frozen=True)
class BusyWorker(PretendService):
    """A second worker answers nothing: only the metrics tell what it serves.

    Attributes:
      looks: what they show, one after another, the last for ever.
    """

    looks: list[Snapshot] = field(default_factory=list)

    def snapshot(self) -> Snapshot:
        shown = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return replace(super().snapshot(), generations=shown.generations, served=shown.served)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steps.rollout.service_client._ASK_AGAIN_S", 0.001)


def _service(*looks: Snapshot) -> BusyWorker:
    return BusyWorker("http://a", now=[V2], looks=list(looks))


BEHIND = Snapshot(generations=(0, 0), served=frozenset({OLD, NEW}))
OLDER = Snapshot(generations=(3, 2), served=frozenset({NEW}))
AGREED = Snapshot(generations=(3, 3), served=frozenset({NEW}))


@pytest.mark.parametrize(
    ("generation", "looks"), [(0, (BEHIND, BEHIND, AGREED)), (3, (OLDER, AGREED))]
)
def test_a_worker_that_answered_nothing_is_waited_for(
    generation: int, looks: tuple[Snapshot, ...]
) -> None:
    service = _service(*looks)
    service.wait_for(V2, generation, time.monotonic() + 30.0)
    assert service.looks == [AGREED]


def test_metrics_that_fail_are_asked_for_again() -> None:
    @dataclass(frozen=True)
    class Stumbling(BusyWorker):
        def snapshot(self) -> Snapshot:
            found = super().snapshot()
            if not found.served:
                raise RollOutError("http://a/metrics answers 500")
            return found

    service = Stumbling("http://a", now=[V2], looks=[Snapshot(), Snapshot(), AGREED])
    service.wait_for(V2, 3, time.monotonic() + 30.0)
    assert service.looks == [AGREED]
    with pytest.raises(RollOutError, match=r"not ready with digits v2: http://a/metrics answers 5"):
        Stumbling("http://a", now=[V2], looks=[Snapshot()]).wait_for(V2, 3, time.monotonic() + 0.05)


@pytest.mark.parametrize(
    ("generation", "look", "problem"),
    [
        (0, BEHIND, "one of its workers serves digits v1"),
        (3, OLDER, "1 of its workers serve something older"),
    ],
)
def test_one_that_stays_behind_is_named(generation: int, look: Snapshot, problem: str) -> None:
    told = rf"^http://a is not ready with digits v2: {problem}; look at its /readyz"
    with pytest.raises(RollOutError, match=told):
        _service(look).wait_for(V2, generation, time.monotonic() + 0.05)
    with pytest.raises(RollOutError, match="it serves digits v2; look at"):
        _service(AGREED).wait_for(V1, 0, time.monotonic() + 0.05)
