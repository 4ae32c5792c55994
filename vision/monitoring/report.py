"""What monitoring found, as JSON: one report of a run, one part for each model version.

Verdicts, the worst first: ``error`` (it could not be checked), ``drift`` (something moved),
``too_few`` and ``no_traffic`` (nothing can be said), ``ok``. Shares are 0 to 1, times UTC, and
every interval is one of 95 %.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from vision.monitoring.report_parts import (
    AccuracyReport,
    ClassesReport,
    DayReport,
    EstimateReport,
    ExampleReport,
    Part,
    PropertyReport,
    TrendReport,
)

Verdict = Literal["ok", "drift", "too_few", "no_traffic", "error"]
VERDICTS: tuple[Verdict, ...] = ("error", "drift", "too_few", "no_traffic", "ok")


class VersionReport(Part):
    """One model version.

    Attributes:
      moved: what drift was found in: views of :data:`vision.drift.names.VIEWS`, and ``accuracy``.
      tests: every test, as :meth:`vision.drift.result.ViewTest.to_json` gives it.
      since: the first day on which the detectors see what moved; None where that cannot be said.
      trends: of the daily ``confidence`` and share of ``abstained`` predictions.
      confidence: winning probabilities against those of the reference set.
      examples: by why they are shown: ``drifted``, ``unsure``, ``disagrees``.
      next_move: what people should do now, a sentence.
      problem: why it could not be checked; empty where it could.
      served_until: its last answer, where another version has replaced it; None where it is served.
    """

    name: str
    version: str
    verdict: Verdict
    n_predictions: int = 0
    first: AwareDatetime | None = None
    last: AwareDatetime | None = None
    moved: tuple[str, ...] = ()
    tests: tuple[dict[str, Any], ...] = ()
    since: date | None = None
    n_measured: int = 0
    properties: tuple[PropertyReport, ...] = ()
    classes: ClassesReport = ClassesReport()
    accuracy: AccuracyReport | None = None
    estimate: EstimateReport | None = None
    confidence: PropertyReport | None = None
    days: tuple[DayReport, ...] = ()
    trends: dict[str, TrendReport] = Field(default={})
    examples: dict[str, tuple[ExampleReport, ...]] = Field(default={}, repr=False)
    next_move: str = ""
    problem: str = ""
    served_until: AwareDatetime | None = None


class HistoryEntry(Part):
    """An earlier run, for one model version.

    Attributes:
      p_value: the smallest of its tests as a share of its threshold; below 1 is drift.
    """

    created_at: AwareDatetime
    version: str
    verdict: Verdict
    n_predictions: int
    moved: tuple[str, ...] = ()
    p_value: float | None = None
    accuracy: float | None = None


class MonitoringReport(Part):
    """One run of monitoring.

    Attributes:
      name: the model's.
      since: start of the period.
      until: its end.
      versions: those that answered somebody, the one that did last first.
      history: earlier runs, oldest first.
    """

    name: str
    created_at: AwareDatetime
    since: AwareDatetime
    until: AwareDatetime
    versions: tuple[VersionReport, ...] = ()
    history: tuple[HistoryEntry, ...] = Field(default=(), repr=False)

    @property
    def served(self) -> tuple[VersionReport, ...]:
        """The versions that nothing has replaced: the others are history, and decide nothing."""
        return tuple(part for part in self.versions if part.served_until is None)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of the served versions; ``no_traffic`` without any."""
        found = {version.verdict for version in self.served}
        return next((verdict for verdict in VERDICTS if verdict in found), "no_traffic")

    def entries(self) -> tuple[HistoryEntry, ...]:
        """Returns what later runs should remember of this one."""
        return tuple(
            HistoryEntry(
                created_at=self.created_at,
                version=part.version,
                verdict=part.verdict,
                n_predictions=part.n_predictions,
                moved=part.moved,
                p_value=min(
                    (test["p_value"] / test["threshold"] for test in part.tests), default=None
                ),
                accuracy=None if part.accuracy is None else part.accuracy.live.value,
            )
            for part in self.versions
        )
