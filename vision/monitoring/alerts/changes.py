"""Tells the changes of a whole monitoring report, each once, and remembers what people know.

It remembers that for each way of telling: one that fails beside others that do not is tried again
with the next run, unless the change is over by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vision.config.alerts import AlertConfig
from vision.errors import VisionError
from vision.monitoring.alerts.delivery import Delivery
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.alerts.tell import is_told, name_ways, tell
from vision.monitoring.report import MonitoringReport
from vision.monitoring.state import (
    ALL_VERSIONS,
    NO_NEWS,
    StateChange,
    find_untold,
    mark_told,
    note_state,
)

_SEND_PREDICTIONS = (
    "see whether the service runs, is asked, and writes its log to the database that is read here."
)

Post = Callable[[Message], Delivery]
_Ways = Mapping[str, Callable[[StateChange], Delivery]]


@dataclass(frozen=True)
class ToldChange:
    """A change and how each alert about it ended; what knew of it already has not been tried."""

    change: StateChange
    deliveries: tuple[Delivery, ...]


def tell_changes(
    report: MonitoringReport,
    alerts: Sequence[AlertConfig],
    environment: Mapping[str, str],
    *,
    job: str = "",
    link: str = "",
    posts: Sequence[Post] = (),
) -> tuple[ToldChange, ...]:
    """Tells people what changed since they were told last; never raises.

    Args:
      report: what was found.
      alerts: the ways to tell people.
      environment: where secrets are.
      job: what looked, of :func:`vision.monitoring.state.name_job`.
      link: where the report is.
      posts: further ways, which never raise.

    Returns:
      the changes, each with how its alerts ended.
    """
    return tuple(
        told
        for found in _found(report, job)
        if (told := tell_change(found, alerts, environment, link=link, posts=posts)) is not None
    )


def tell_change(
    found: Mapping[str, Any],
    alerts: Sequence[AlertConfig],
    environment: Mapping[str, str],
    *,
    link: str = "",
    posts: Sequence[Post] = (),
) -> ToldChange | None:
    """Tells people what was found, unless they know; never raises.

    Args:
      found: arguments of :func:`vision.monitoring.state.note_state`.
      alerts: as in :func:`tell_changes`.
      environment: as in :func:`tell_changes`.
      link: as in :func:`tell_changes`.
      posts: as in :func:`tell_changes`.
    """
    ways = _name_all(alerts, environment, posts)
    change, befores, notes = _note(found, link, ways)
    if change is None:
        return None
    # The log of a run shows all that the run tells.
    named = zip(name_ways(alerts), alerts, strict=True)
    logs = {name: change.before for name, alert in named if alert.kind == "log"}
    befores = logs | befores
    deliveries = {
        name: way(replace(change, before=befores[name]))
        for name, way in ways.items()
        if name in befores
    }
    got_there = {name: delivery.is_delivered for name, delivery in deliveries.items()}
    try:
        mark_told(change, got_there, is_told=is_told(tuple(deliveries.values())))
    except (VisionError, OSError) as error:
        notes.append(_unkept(error))
    return ToldChange(change, (*deliveries.values(), *notes))


def _name_all(
    alerts: Sequence[AlertConfig], environment: Mapping[str, str], posts: Sequence[Post]
) -> _Ways:
    def by_alert(alert: AlertConfig) -> Callable[[StateChange], Delivery]:
        return lambda change: tell(change, (alert,), environment)[0]

    def by_post(post: Post) -> Callable[[StateChange], Delivery]:
        return lambda change: post(write_message(change))

    named = dict(zip(name_ways(alerts), map(by_alert, alerts), strict=True))
    return named | {f"further way {n}": by_post(post) for n, post in enumerate(posts, start=1)}


def _note(
    found: Mapping[str, Any], link: str, ways: _Ways
) -> tuple[StateChange | None, dict[str, str | None], list[Delivery]]:
    """Returns the change, who has not told it, and what is to be said of a state not kept.

    Better told twice than never: without a state, all that may be news is told, in all ways.
    """
    try:
        change = note_state(**found, link=link, ways=tuple(ways))
        return change, find_untold(change, tuple(ways)) if change else {}, []
    except (VisionError, OSError) as error:
        values = {key: value for key, value in found.items() if key != "verdict"}
        now = found["verdict"]
        change = StateChange(before=None, now=now, link=link, **values)
        return (None if now in NO_NEWS else change), dict.fromkeys(ways), [_unkept(error)]


def _unkept(error: VisionError | OSError) -> Delivery:
    return Delivery("state", "state", False, f"state: {error}")


def _found(report: MonitoringReport, job: str) -> Iterator[dict[str, Any]]:
    has_traffic = any(part.verdict != "no_traffic" for part in report.versions)
    yield {
        "model": report.name,
        "job": job,
        "version": ALL_VERSIONS,
        "verdict": "ok" if has_traffic else "no_traffic",
        "next_move": "" if has_traffic else _SEND_PREDICTIONS,
        "time": report.created_at,
    }
    for part in report.versions:
        if has_traffic or part.verdict != "no_traffic":
            yield {
                "model": report.name,
                "job": job,
                "version": part.version,
                "verdict": part.verdict,
                "moved": part.moved,
                "next_move": part.next_move,
                "time": report.created_at,
            }
