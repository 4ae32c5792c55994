"""What people were last told about each version of a model, so that each change is told once.

One file per model name, ``home()/monitoring/states/<model>.json``, replaced in one step. It holds
for each job, and in it for each version, what people know (``told``) and what was found last
(``seen``). A job is what is looked at: the version that was asked for and the number of days; two
jobs that look at different periods may rightly find different things. A change is a
verdict that differs from what people know: one that nobody could be told is found again by the
next run, and one that is over before anybody was told is never told. The same holds for each way
of telling by itself: one that failed beside others that did not is kept (``behind``) with what it
told last.

A version that nobody was told anything about counts as ``ok``, and ``too_few`` is how every version
begins: neither is news. Anything else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.bundles.manifest import check_id
from vision.config.monitoring import MonitoringConfig
from vision.monitoring.kept import alone, kept_path, read_kept, write_kept

# Noted beside the versions: the traffic of all, which without any has no version to be noted
# under, the runs of monitoring, and the training that they start.
ALL_VERSIONS, MONITORING, RETRAINING = "all versions", "monitoring", "retraining"
# Verdicts that tell nothing of what people were told nothing about.
NO_NEWS = ("ok", "too_few")


@dataclass(frozen=True)
class StateChange:
    """A verdict that people do not know yet.

    Attributes:
      model: the model's name.
      version: the version that was looked at, or :data:`ALL_VERSIONS`, :data:`MONITORING` or
        :data:`RETRAINING`.
      before: the verdict that people were told last; None where they were told nothing.
      now: the verdict: ``ok``, ``drift``, ``too_few``, ``no_traffic`` or ``error``.
      moved: what differs from the reference set.
      next_move: what to do about it, in a sentence.
      link: where the report is; empty where there is none.
      job: of :func:`name_job`.
      time: when it was found, UTC.
    """

    model: str
    version: str
    before: str | None
    now: str
    moved: tuple[str, ...] = ()
    next_move: str = ""
    link: str = ""
    job: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {**vars(self), "moved": list(self.moved), "time": self.time.isoformat()}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VersionState(_Part):
    """What is known about a version.

    Attributes:
      seen: the verdict that was found last.
      seen_at: when that was, UTC.
      told: the verdict that people know; None where they were told nothing.
      told_at: when it was told.
      behind: ways of telling that told something else last, each with that verdict; None where it
        told nothing.
    """

    seen: str
    seen_at: AwareDatetime
    told: str | None = None
    told_at: AwareDatetime | None = None
    behind: dict[str, str | None] = {}

    def knows(self, way: str) -> str | None:
        """Returns the verdict that a way told last."""
        return self.behind.get(way, self.told)

    def see(self, verdict: str, time: datetime) -> VersionState:
        """Returns it after a verdict was found."""
        told, told_at, behind = self.told, self.told_at, self.behind
        if verdict == "ok":
            # From here on, what is not ok is a change from it.
            behind = {way: knows or verdict for way, knows in behind.items()}
            told, told_at = (verdict, time) if told is None else (told, told_at)
        return _state(verdict, time, told, told_at, behind)


class _States(_Part):
    model: str
    jobs: dict[str, dict[str, VersionState]] = {}


def name_job(monitoring: MonitoringConfig) -> str:
    """Returns what a job looks at, which is what its states are kept by: ``v1, 7 days``."""
    what = ALL_VERSIONS if monitoring.version is None else monitoring.version
    return f"{what}, {monitoring.days:g} {'day' if monitoring.days == 1 else 'days'}"


def note_state(
    model: str,
    version: str,
    verdict: str,
    *,
    job: str = "",
    moved: tuple[str, ...] = (),
    next_move: str = "",
    link: str = "",
    time: datetime | None = None,
    ways: Sequence[str] = (),
) -> StateChange | None:
    """Notes what was found of a version, and returns the change that people are to be told.

    Args:
      model: the model's name.
      version: what was looked at.
      verdict: what was found.
      job: what it was found by, of :func:`name_job`.
      moved: what differs from the reference set.
      next_move: what to do about it.
      link: where the report is.
      time: when it was found; now without it.
      ways: names of the ways of telling people.

    Returns:
      None where people know it already, by each of the ways. Else the change, which comes again
      with every run until :func:`mark_told` is called.

    Raises:
      VisionError: the state cannot be written.
    """
    time = time or datetime.now(UTC)
    with _changing(model, job) as versions:
        known = versions.get(version) or VersionState(seen=verdict, seen_at=time)
        state = versions[version] = known.see(verdict, time)
    # What people were told comes first: it is news for most of them.
    befores = [state.told, *map(state.knows, ways)]
    for before in befores:
        if _is_news(before, verdict):
            found = tuple(moved), next_move, link, job, time
            return StateChange(model, version, before, verdict, *found)
    return None


def find_untold(change: StateChange, ways: Sequence[str]) -> dict[str, str | None]:
    """Returns the ways that have not told a change yet, each with the verdict that it told last.

    Raises:
      VisionError: the state cannot be read.
    """
    state = read_states(change.model, change.job).get(change.version)
    befores = {way: state.knows(way) if state else change.before for way in ways}
    return {way: before for way, before in befores.items() if _is_news(before, change.now)}


def mark_told(
    change: StateChange, ways: Mapping[str, bool] | None = None, *, is_told: bool = True
) -> None:
    """Notes who knows of a change, so that it is not told again.

    Args:
      change: what was told.
      ways: the ways that were tried, and whether each got there.
      is_told: whether people know of it.

    Raises:
      VisionError: the state cannot be written.
    """
    with _changing(change.model, change.job) as versions:
        known = versions.get(change.version)
        known = known or VersionState(seen=change.now, seen_at=change.time)
        tried = {
            way: change.now if got_there else known.knows(way)
            for way, got_there in (ways or {}).items()
        }
        told = (change.now, change.time) if is_told else (known.told, known.told_at)
        behind = {**known.behind, **tried}
        versions[change.version] = _state(known.seen, known.seen_at, *told, behind)


def _state(
    seen: str,
    seen_at: datetime,
    told: str | None,
    told_at: datetime | None,
    behind: Mapping[str, str | None],
) -> VersionState:
    kept = {way: knows for way, knows in behind.items() if knows != told}
    return VersionState(seen=seen, seen_at=seen_at, told=told, told_at=told_at, behind=kept)


def _is_news(before: str | None, now: str) -> bool:
    return now != before and not (before is None and now in NO_NEWS)


def read_states(model: str, job: str = "") -> dict[str, VersionState]:
    """Returns what is known about each version of a model; empty where nothing is.

    Args:
      model: the model's name.
      job: of :func:`name_job`.

    Raises:
      VisionError: the file is there and cannot be read.
    """
    return dict(_read_jobs(model).get(job, {}))


def _read_jobs(model: str) -> dict[str, dict[str, VersionState]]:
    states = read_kept(_file(model), _States, f"what people were told about {model}")
    return dict(states.jobs) if states else {}


@contextmanager
def _changing(model: str, job: str) -> Iterator[dict[str, VersionState]]:
    """Gives the versions of a model, as one job sees them, to change."""
    path = _file(model)
    with alone(path):
        jobs = _read_jobs(model)
        versions = dict(jobs.get(job, {}))
        yield versions
        states = _States(model=model, jobs={**jobs, job: versions})
        write_kept(path, states, f"the state of {model}")


def _file(model: str) -> Path:
    return kept_path("states", check_id(model, "model name"))
