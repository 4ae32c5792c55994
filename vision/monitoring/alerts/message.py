"""What people are told about a change: a subject of one line, plain text, and a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vision.monitoring.state import ALL_VERSIONS, MONITORING, RETRAINING, StateChange
from vision.wording import one_line

_MOST_SUBJECT_CHARACTERS = 140  # Slack takes 150 in a header
_MOST_LINE_CHARACTERS = 1000
_NOW = {
    "drift": "drift",
    "too_few": "too few predictions",
    "no_traffic": "no traffic",
    "error": "monitoring failed",
}
_FAILED = "failed"
_GOOD = ("ok",)


@dataclass(frozen=True)
class Message:
    """A change, ready to be sent.

    Attributes:
      subject: one line of printable characters.
      lines: the text, one line each.
      link: an address that begins with ``http://`` or ``https://``; empty where there is none.
      is_good: whether all is well again.
      time: when it was found.
      values: the change as JSON values.
    """

    subject: str
    lines: tuple[str, ...]
    link: str
    is_good: bool
    time: datetime
    values: dict[str, Any]

    @property
    def text(self) -> str:
        """The text, with the link as its last line."""
        return "\n".join([*self.lines, *([f"Report: {self.link}"] if self.link else [])])


def write_message(change: StateChange) -> Message:
    """Returns what people are told about a change; whatever is in it, the subject is one line."""
    now = _say(change, change.now)
    before = f", before: {_say(change, change.before)}" if change.before else ""
    subject = _short(f"{change.model} {change.version}: {now}", _MOST_SUBJECT_CHARACTERS)
    is_version = change.version not in (ALL_VERSIONS, MONITORING, RETRAINING)
    what = f"version {change.version}" if is_version else change.version
    lines = [f"Model {change.model}, {what}: {now}{before}."]
    if change.moved:
        lines.append(f"What moved: {', '.join(change.moved)}.")
    if change.next_move:
        lines.append(f"Next: {change.next_move}")
    looked = f", looking at {change.job}" if change.job else ""
    lines.append(f"Found at {change.time:%Y-%m-%d %H:%M} UTC{looked}.")
    is_address = change.link.startswith(("http://", "https://"))
    if change.link and not is_address:  # a file, which no client makes a link of
        lines.append(f"Report: {change.link}")
    return Message(
        subject=subject,
        lines=tuple(_short(line, _MOST_LINE_CHARACTERS) for line in lines),
        link=one_line(change.link) if is_address else "",
        is_good=change.now in _GOOD,
        time=change.time,
        values=change.to_json(),
    )


def _say(change: StateChange, verdict: str) -> str:
    if change.version == RETRAINING and verdict == "error":
        return _FAILED
    return _NOW.get(verdict, verdict)


def _short(text: str, n_most: int) -> str:
    line = one_line(text)
    return line if len(line) <= n_most else f"{line[: n_most - 1]}…"
