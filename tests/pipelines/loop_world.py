"""A clock of its own for the loop that runs a job at its times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.forever import run_forever
from pipelines.schedule import JobSchedule

START = datetime(2026, 11, 21, 19, 50, tzinfo=UTC)
EIGHT, NINE, TEN = (datetime(2026, 11, 21, hour, tzinfo=UTC) for hour in (20, 21, 22))
HOUR = timedelta(hours=1)
CONFIG = Path("configs/monitor.yaml")
SCHEDULE = JobSchedule(CONFIG)


@dataclass
class World:
    """A clock that stands still but while somebody waits, and what ran.

    Attributes:
      now: the time.
      until: when it is asked to stop.
      takes: how long a run takes.
      codes: exit codes of the runs; 0 for those beyond.
      jumps: what happens to the clock during a wait, by the number of that wait.
      every: the times, where they are others than at first.
      runs: when each run started.
      waits: how long each wait was to be, in seconds.
      told: what people were told.
    """

    now: datetime = START
    until: datetime = START + 3 * HOUR
    takes: timedelta = timedelta(minutes=3)
    codes: list[int] = field(default_factory=list)
    jumps: dict[int, Callable[[datetime], datetime]] = field(default_factory=dict)
    every: str = ""
    runs: list[datetime] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    @property
    def is_asked(self) -> bool:
        return self.now >= self.until

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        jump = self.jumps.get(len(self.waits))
        self.now = jump(self.now) if jump else self.now
        self.waits.append(seconds)

    def run(self, meanwhile: Callable[[], None]) -> int:
        self.runs.append(self.now)
        ends = self.now + self.takes
        while self.now < ends:
            self.now += min(timedelta(seconds=30), ends - self.now)
            meanwhile()
        return self.codes.pop(0) if self.codes else 0

    def watch(self, every: str = "0 * * * *") -> list[datetime]:
        run_forever(
            JobSchedule(CONFIG),
            lambda: self.every or every,
            self.run,
            self.told.append,
            self,
            clock=lambda: self.now,
        )
        return self.runs
