"""Watches services for a while, and says what speaks against what they serve."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError
from steps.rollout.snapshot import Role, Snapshot
from vision.bundles.rolled_out import Figures

# Fewer requests say nothing before the end, and nothing about the median at all.
LEAST_REQUESTS = 20
_MOST_MISSED = 3
_LONGEST_PAUSE_S = 2.0
_N_LOOKS = 20


@dataclass(frozen=True)
class Rules:
    """What is tolerated.

    Attributes:
      watch_s: how long is watched.
      max_errors: largest share of requests that fail.
      max_slowdown: largest ratio of the median to that of before.
    """

    watch_s: float
    max_errors: float
    max_slowdown: float


@dataclass(frozen=True)
class Watched:
    """What was seen.

    Attributes:
      figures: by address.
      problem: what speaks against it; empty where nothing does.
    """

    figures: Mapping[str, Figures]
    problem: str = ""


@dataclass
class _Look:
    """One service while it is watched."""

    service: ServiceClient
    before: Figures
    start: Snapshot
    role: Role
    figures: Figures = field(init=False)
    n_missed: int = 0

    def __post_init__(self) -> None:
        self.figures = Figures(n_requests=0, n_errors=0, median_ms=None)

    def look(self, rules: Rules, *, is_last: bool) -> str:
        """Asks once, and returns what is wrong."""
        try:
            grown = self.service.snapshot().since(self.start)
        except UnreachableError as error:
            self.n_missed += 1
            return str(error) if self.n_missed >= _MOST_MISSED or is_last else ""
        except RollOutError as error:
            return str(error)
        self.n_missed = 0
        self.figures = grown.figures(self.role)
        before = self.before
        beside = grown.figures("active")
        if self.role != "active" and beside.median_ms is not None:
            before = beside  # at the same time and under the same load
        problem = judge(before, self.figures, rules, is_last=is_last)
        return f"{self.service.address}: {problem}" if problem else ""


def watch(
    services: Sequence[ServiceClient],
    before: Mapping[str, Figures],
    rules: Rules,
    role: Role = "active",
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Watched:
    """Watches until the time is over or something is wrong.

    Args:
      services: all of them at once.
      before: how each did before, by address.
      rules: what is tolerated.
      role: whose answers count.
      clock: seconds.
      sleep: waits so many seconds.
    """
    if rules.watch_s <= 0:
        return Watched({})
    try:
        looks = [
            _Look(service, before[service.address], service.snapshot(), role)
            for service in services
        ]
    except RollOutError as error:
        return Watched({}, str(error))
    ends_at = clock() + rules.watch_s
    pause_s = min(_LONGEST_PAUSE_S, rules.watch_s / _N_LOOKS)
    while True:
        sleep(max(0.0, min(pause_s, ends_at - clock())))
        is_last = clock() >= ends_at
        for look in looks:
            if problem := look.look(rules, is_last=is_last):
                return Watched({each.service.address: each.figures for each in looks}, problem)
        if is_last:
            return Watched({each.service.address: each.figures for each in looks})


def judge(before: Figures, now: Figures, rules: Rules, *, is_last: bool) -> str:
    """Returns what is worse than tolerated; empty where nothing is."""
    if now.n_requests < (1 if is_last else LEAST_REQUESTS):
        return ""
    if now.error_share > rules.max_errors:
        return (
            f"{now.n_errors} of {now.n_requests} requests failed ({now.error_share:.1%}, at most "
            f"{rules.max_errors:.1%})"
        )
    has_medians = before.median_ms is not None and now.median_ms is not None
    if not has_medians or min(before.n_requests, now.n_requests) < LEAST_REQUESTS:
        return ""
    assert before.median_ms is not None
    assert now.median_ms is not None
    if now.median_ms > rules.max_slowdown * before.median_ms:
        ratio = now.median_ms / before.median_ms
        return (
            f"the median answer takes {now.median_ms:.1f} ms, {ratio:.1f} times that of before (at "
            f"most {rules.max_slowdown:g} times)"
        )
    return ""
