"""Tells the changes of a whole monitoring report, each once, and remembers what people know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vision.config.alerts import AlertConfig
from vision.errors import VisionError
from vision.monitoring.alerts.delivery import Delivery
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.alerts.tell import is_told, tell
from vision.monitoring.report import MonitoringReport
from vision.monitoring.state import ALL_VERSIONS, NO_NEWS, StateChange, mark_told, note_state

_SEND_PREDICTIONS = (
    "see whether the service runs, is asked, and writes its log to the database that is read here."
)

Post = Callable[[Message], Delivery]


@dataclass(frozen=True)
class ToldChange:
    """A change and how each alert about it ended."""

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
    change, notes = _note(found, link)
    if change is None:
        return None
    deliveries = tell(change, alerts, environment)
    if posts:
        message = write_message(change)
        deliveries += tuple(post(message) for post in posts)
    if is_told(deliveries):
        try:
            mark_told(change)
        except VisionError as error:
            notes.append(_unkept(error))
    return ToldChange(change, (*deliveries, *notes))


def _note(found: Mapping[str, Any], link: str) -> tuple[StateChange | None, list[Delivery]]:
    """Returns the change, and what is to be said of a state that cannot be kept.

    Better told twice than never: without a state, all that may be news is told.
    """
    try:
        return note_state(**found, link=link), []
    except VisionError as error:
        values = {key: value for key, value in found.items() if key != "verdict"}
        now = found["verdict"]
        change = StateChange(before=None, now=now, link=link, **values)
        return (None if now in NO_NEWS else change), [_unkept(error)]


def _unkept(error: VisionError) -> Delivery:
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
