"""What a pipeline run's report says about monitoring, for machines and for people."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.monitoring.report import MonitoringReport, Verdict, VersionReport
from vision.wording import count


class VersionEntry(BaseModel):
    """One model version; the whole of it is in the page and in the artifact.

    Attributes:
      served_until: its last answer, where another version has replaced it; None where it is served.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    verdict: Verdict
    n_predictions: int
    moved: tuple[str, ...]
    accuracy: float | None
    estimated_accuracy: float | None
    next_move: str
    problem: str
    served_until: AwareDatetime | None = None

    @classmethod
    def of(cls, part: VersionReport) -> VersionEntry:
        """Takes what people and machines act on."""
        return cls(
            version=part.version,
            verdict=part.verdict,
            n_predictions=part.n_predictions,
            moved=part.moved,
            accuracy=part.accuracy.live.value if part.accuracy else None,
            estimated_accuracy=part.estimate.atc if part.estimate else None,
            next_move=part.next_move,
            problem=part.problem,
            served_until=part.served_until,
        )

    @property
    def sentence(self) -> str:
        """The version in a line or two."""
        moved = f", moved: {', '.join(self.moved)}" if self.moved else ""
        problem = f" {self.problem}." if self.problem else ""
        counted = count(self.n_predictions, "prediction")
        return f"{self.verdict}: {counted}{moved}.{problem} {self.next_move}".rstrip()


class MonitoringEntry(BaseModel):
    """What monitoring found.

    Attributes:
      verdict: the worst of the versions that are served.
      note: why there is nothing, where there is nothing.
      page: the file with the report.
      review: the folder of images to look at; empty where none was written.
      retraining: what became of ``on_drift: retrain``; empty where nothing was to be trained.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    verdict: Verdict
    versions: tuple[VersionEntry, ...] = ()
    note: str = ""
    page: str = ""
    review: str = ""
    retraining: str = ""

    @classmethod
    def of(cls, report: MonitoringReport, page: str, note: str, review: str) -> MonitoringEntry:
        """Takes what people and machines act on."""
        return cls(
            name=report.name,
            verdict=report.verdict,
            versions=tuple(map(VersionEntry.of, report.versions)),
            note=note,
            page=page,
            review=review,
        )

    @property
    def has_drift(self) -> bool:
        """Whether any served version drifted, also where another could not be checked."""
        return any(each.verdict == "drift" for each in self._served)

    @property
    def problems(self) -> str:
        """Why served versions could not be checked; empty where all could."""
        found = [
            f"{self.name} {each.version}: {each.problem}"
            for each in self._served
            if each.verdict == "error"
        ]
        return "\n".join(found)

    @property
    def _served(self) -> tuple[VersionEntry, ...]:
        return tuple(each for each in self.versions if each.served_until is None)

    def rows(self) -> list[tuple[str, str]]:
        """Returns the lines of the summary."""
        rows = [("verdict", f"{self.verdict}{f': {self.note}' if self.note else ''}")]
        rows += [(each.version, each.sentence) for each in self.versions]
        rows += [("report", self.page)] if self.page else []
        rows += [("review", self.review)] if self.review else []
        rows += [("retraining", self.retraining)] if self.retraining else []
        return rows
