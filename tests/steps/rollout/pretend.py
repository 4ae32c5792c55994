"""A service that is made up: what it serves, how it does, and where it stops answering."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.snapshot import Snapshot

V1, V2 = Version("digits", "v1"), Version("digits", "v2")


@dataclass(frozen=True)
class PretendService(ServiceClient):
    """Answers ``per_look`` requests between two looks at its metrics.

    Attributes:
      now: what it serves, in a list so that it can change.
      errors: share of requests that fail, by version.
      seconds: upper end of the bucket of its answers, by version.
      refuses: versions that it does not take.
      away: set where nothing answers.
      calls: what it was told.
      is_following: nothing was ever activated.
      trial: mode and version that are tried.
      ends_after: seconds after which each trial ends by itself.
      model: name of what is tried.
    """

    now: list[Version | None] = field(default_factory=lambda: [V1])
    errors: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    away: list[bool] = field(default_factory=lambda: [False])
    calls: list[str] = field(default_factory=list)
    per_look: int = 100
    is_following: bool = False
    counts: dict[str, dict[tuple[str, str], float]] = field(default_factory=dict)
    trial: list[str] = field(default_factory=list)
    ends_after: list[float] = field(default_factory=list)
    model: str = "digits"

    def served(self) -> Version | None:
        self._check()
        return self.now[0]

    def activate(self, name: str, version: str) -> int:
        self._check()
        self.calls.append(version)
        if version in self.refuses:
            raise RollOutError(f"{self.address} refused {version}")
        self.now[0] = Version(name, version)
        return len(self.calls)

    def propose(self, name: str, version: str, mode: Any, share: float, for_s: float) -> None:
        self._check()
        self.calls.append(f"{mode} {version} {share}")
        self.ends_after.append(for_s)
        self.trial[:] = [mode, version]

    def tried(self) -> Version | None:
        self._check()
        return Version(self.model, self.trial[1]) if self.trial else None

    def end_trial(self) -> None:
        self._check()
        self.calls.append("end")
        self.trial.clear()

    def snapshot(self) -> Snapshot:
        self._check()
        served = self.now[0].version if self.now[0] else ""
        self._answer("active", served)
        if self.trial:
            mode, version = self.trial
            self._answer("candidate" if mode == "canary" else "shadow", version)
        generations = (0 if self.is_following and not self.calls else 1 + len(self.calls),)
        tried = frozenset([(self.model, self.trial[1])] if self.trial else [])
        copied = {name: dict(found) for name, found in self.counts.items()}
        return Snapshot(**copied, generations=generations, tried=tried)

    def _answer(self, role: str, version: str) -> None:
        n_errors = round(self.per_look * self.errors.get(version, 0.0))
        n_ok = self.per_look - n_errors
        if role == "active":
            self._add("requests", ("/predict", "500"), n_errors)
            self._add("requests", ("/predict", "200"), n_ok)
        self._add("answers", (role, "ok"), n_ok)
        self._add("answers", (role, "error"), n_errors)
        took = self.seconds.get(version, 0.002)
        for le in (0.002, 0.004, 0.016, 0.1):
            self._add("buckets", (role, str(le)), n_ok if took <= le else 0)
        self._add("buckets", (role, "+Inf"), n_ok)

    def _add(self, name: str, key: tuple[str, str], n: float) -> None:
        counts = self.counts.setdefault(name, {})
        counts[key] = counts.get(key, 0.0) + n

    def _check(self) -> None:
        if self.away[0]:
            raise UnreachableError(f"{self.address} cannot be reached (planted)")
