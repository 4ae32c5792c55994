"""What happened in a pipeline run, for machines and for people."""

from __future__ import annotations

import io
import json
import math
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.table import Table

from pipelines.monitoring_entry import MonitoringEntry
from vision.validation.names import FILE_CHECKS
from vision.validation.report import Finding, Gate, Severity
from vision.validation.shorten import shorten
from vision.wording import count, one_line

_SUMMARY_WIDTH = 100
_MOST_FINDINGS = 10
_MOST_MESSAGE_CHARACTERS = 400


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunLink(_Part):
    """A run and the page that shows it.

    Attributes:
      id: as the tool names it; None where there is no run.
      url: None where no server shows it.
    """

    id: str | None = None
    url: str | None = None


class ModelName(_Part):
    """A model version; both are None where none was made."""

    name: str | None = None
    version: str | None = None


class FindingEntry(_Part):
    """A finding; its sentence is for people, not part of the JSON."""

    check: str
    severity: Severity
    n_images: int
    images: tuple[str, ...]
    message: str = Field(default="", exclude=True)

    @classmethod
    def of(cls, finding: Finding) -> FindingEntry:
        """Takes what the report names of a finding."""
        return cls(
            check=finding.check,
            severity=finding.severity,
            n_images=finding.n_images,
            images=finding.images,
            message=finding.message,
        )


class RunReport(_Part):
    """What happened.

    Attributes:
      pipeline: the pipeline's name.
      status: ``stopped`` by a gate, ``waiting`` for a person's approval, ``failed`` by an error,
        ``drift`` where monitoring found some, else ``completed``.
      pipeline_run: the run in ZenML.
      tracking_run: the run in the experiment tracker in which the model was trained.
      metrics: results of the evaluation; None where the data cannot support one.
      gates: every rule that was judged.
      model: the model version that was made or evaluated.
      bundle: its folder.
      seconds: how long each step took; 0 for a step taken from the cache.
      findings: what validation found, errors first.
      left_out: check to the number of images that ``validation.quarantine`` left out for it.
      monitoring: what monitoring found; None for other pipelines.
      deployment: what became of a deployment, sentence by sentence.
      error: why it failed, in a sentence or more; not part of the JSON.
    """

    pipeline: str
    status: Literal["completed", "failed", "stopped", "waiting", "drift"]
    pipeline_run: RunLink = RunLink()
    tracking_run: RunLink = RunLink()
    metrics: dict[str, float | None] = {}
    gates: tuple[Gate, ...] = ()
    model: ModelName = ModelName()
    bundle: str | None = None
    seconds: dict[str, float] = {}
    findings: tuple[FindingEntry, ...] = ()
    left_out: dict[str, int] = {}
    monitoring: MonitoringEntry | None = None
    deployment: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the report as JSON values; what is not a number is null."""
        values = self.model_dump(mode="python", exclude={"error"})
        plain: dict[str, Any] = json.loads(json.dumps(_without_nan(values), allow_nan=False))
        return plain

    def retrained(self, done: str | RunReport) -> RunReport:
        """Returns the report with what became of ``monitoring.on_drift: retrain``.

        Args:
          done: the report of the training, or why there was none; empty where none was wanted.
        """
        if not done or self.monitoring is None:
            return self
        said = done if isinstance(done, str) else done.ending
        return self.model_copy(
            update={"monitoring": self.monitoring.model_copy(update={"retraining": said})}
        )

    @property
    def ending(self) -> str:
        """How the run ended, in a line: the version that it made, or why there is none."""
        stopped = "; ".join(gate.sentence for gate in self.gates if not gate.passed)
        why = {"failed": self.error, "stopped": stopped}.get(self.status)
        said = why or self.model.version
        return f"{self.pipeline} {self.status}{f': {one_line(said)}' if said else ''}"

    def summary(self) -> str:
        """Returns the report as a short table for a person."""
        console = Console(file=io.StringIO(), width=_SUMMARY_WIDTH, force_terminal=False)
        table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in self._rows():
            table.add_row(name, text)
        console.print(table, markup=False)
        file = console.file
        assert isinstance(file, io.StringIO)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines())

    def _rows(self) -> list[tuple[str, str]]:
        rows: list[tuple[str, str]] = [(self.pipeline, self.status)]
        if self.error:
            rows.append(("error", self.error))
        rows += [("metrics", _join(self.metrics))] if self.metrics else []
        rows += [("gate", f"{_mark(gate)} {gate.sentence}") for gate in self.gates]
        stopped = {gate.name for gate in self.gates if not gate.passed}
        serious = [f for f in self.findings if f.severity != "info" or f.check in stopped]
        rows += [("finding", _say(finding)) for finding in serious[:_MOST_FINDINGS]]
        if len(serious) > _MOST_FINDINGS:
            rows.append(("", f"and {len(serious) - _MOST_FINDINGS} more findings"))
        rows += [
            ("left out", f"{count(n, 'image')} by {check}") for check, n in self.left_out.items()
        ]
        rows += self.monitoring.rows() if self.monitoring else []
        rows += [
            ("deployment", shorten(one_line(said), _MOST_MESSAGE_CHARACTERS))
            for said in self.deployment
        ]
        if self.model.version:
            rows.append(("model", f"{self.model.name} {self.model.version}"))
        rows += [("bundle", self.bundle)] if self.bundle else []
        rows += [("pipeline run", _show(self.pipeline_run))] if self.pipeline_run.id else []
        rows += [("tracking run", _show(self.tracking_run))] if self.tracking_run.id else []
        rows.append(("seconds", f"{sum(self.seconds.values()):.1f} in {len(self.seconds)} steps"))
        return rows


def _join(metrics: dict[str, float | None]) -> str:
    return ", ".join(
        f"{name} {'–' if value is None else f'{value:.4f}'}" for name, value in metrics.items()
    )


def _mark(gate: Gate) -> str:
    return "passed" if gate.passed else "FAILED"


def _say(finding: FindingEntry) -> str:
    start = f"{finding.severity}: {finding.check}"
    if not finding.images:  # it is about the whole dataset
        said = shorten(one_line(finding.message), _MOST_MESSAGE_CHARACTERS)
        return f"{start}: {said}" if said else start
    counted = count(finding.n_images, "file" if finding.check in FILE_CHECKS else "image")
    example = ":" if finding.n_images == 1 else ", for example"
    return f"{start}, {counted}{example} {one_line(finding.images[0])}"


def _show(link: RunLink) -> str:
    return f"{link.id} {link.url}" if link.url else str(link.id)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
