"""Starts training again after drift: on the newest data, where there is something to learn.

``home()/monitoring/retrains/<model>.json`` keeps, for each version, when training was started for
it, and on which data. Training is started only where people have said the truth about
``least_labels`` predictions since, and where the data are others than those the version, or an
earlier start, was trained on. So no failure and no schedule makes it start over and over: a start
counts whatever became of it. Training that fails is told like a change of a verdict.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipelines.report import RunReport
from serving.models.store import bundle_folder, bundle_tag
from steps.datasets import read_dataset
from steps.logged_periods import count_new_labels
from steps.revisions.newest import newest_revision
from vision.bundles.manifest import check_id, read_manifest
from vision.config import JobConfig
from vision.config.load import load_job
from vision.errors import BundleError, ConfigError, VisionError
from vision.monitoring.alerts.changes import tell_change
from vision.monitoring.kept import kept_path, read_kept, write_kept
from vision.monitoring.report import MonitoringReport, VersionReport
from vision.monitoring.state import RETRAINING, name_job
from vision.progress import say
from vision.wording import count, one_line

Launch: TypeAlias = Callable[[JobConfig], RunReport]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Start(_Part):
    version: str
    n_labelled: int
    data_digest: str
    time: AwareDatetime


class _Starts(_Part):
    model: str
    starts: tuple[_Start, ...] = ()


def check_retrain(job: JobConfig) -> None:
    """Refuses a monitoring job whose ``retrain.config`` could not be started.

    Raises:
      ConfigError: it is no right job, trains nothing, or trains another model.
    """
    if job.monitoring.on_drift == "retrain":
        _load(job)


def maybe_retrain(job: JobConfig, report: MonitoringReport, launch: Launch) -> str | RunReport:
    """Starts training for the first served version that drifted and has enough that is new.

    Args:
      job: the monitoring job.
      report: what it found.
      launch: runs a job to its end.

    Returns:
      the report of the training; where nothing was trained, why, in a line for each version that
      drifted; empty where nothing was to be trained.
    """
    if job.monitoring.on_drift != "retrain":
        return ""
    reasons = []
    for drifted in (part for part in report.served if part.verdict == "drift"):
        try:
            training = _prepare(job, drifted)
        except VisionError as error:
            training = f"nothing was trained for {drifted.name} {drifted.version}: {error}"
        if isinstance(training, JobConfig):
            done = _train(training, drifted, launch)
            _tell(job, done)
            return done
        reasons.append(training)
    return "\n".join(reasons)


def _prepare(job: JobConfig, drifted: VersionReport) -> JobConfig | str:
    """Notes that training is started and returns its job; else says what is missing."""
    path = kept_path("retrains", check_id(drifted.name, "model name"))
    what = f"what training was started for {drifted.name}"
    kept = read_kept(path, _Starts, what)
    starts = kept.starts if kept else ()
    # Before the labels are counted: those that come meanwhile count for the next start.
    now = datetime.now(UTC)
    last = max((start.time for start in starts if start.version == drifted.version), default=None)
    n_labelled = count_new_labels(drifted.name, drifted.version, last)
    if n_labelled < job.monitoring.retrain.least_labels:
        return _too_few(job, drifted, n_labelled, is_first=last is None)
    training = _load(job)
    dataset = newest_revision(training.images)
    digest = read_dataset(dataset).digest
    if digest in {*_trained_on(drifted), *(start.data_digest for start in starts)}:
        return (
            f"nothing was trained for {drifted.name} {drifted.version}: the newest data are those "
            "that a version was trained on already; add the newly labelled images to the dataset"
        )
    start = _Start(version=drifted.version, n_labelled=n_labelled, data_digest=digest, time=now)
    write_kept(path, _Starts(model=drifted.name, starts=(*starts, start)), what)
    return training.model_copy(update={"dataset": dataset})


def _train(training: JobConfig, drifted: VersionReport, launch: Launch) -> RunReport:
    """Runs training to its end; what keeps it from running is its error."""
    try:
        return launch(training)
    except VisionError as error:
        said = f"it could not be started for {drifted.name} {drifted.version}: {error}"
        return RunReport(pipeline=training.pipeline, status="failed", error=said)


def _tell(job: JobConfig, done: RunReport) -> None:
    """Tells people of training that failed, and of the first that went well again."""
    is_well = done.status != "failed"
    why = one_line(done.error or "see the pipeline run")
    path = job.monitoring.retrain.config
    again = f"{why}; mend that, then run it by hand: python run.py --config {path}"
    found = {
        "model": job.model.name,
        "job": name_job(job.monitoring),
        "version": RETRAINING,
        "verdict": "ok" if is_well else "error",
        "next_move": "" if is_well else again,
    }
    told = tell_change(found, job.monitoring.alerts, os.environ)
    for delivery in told.deliveries if told else ():
        if delivery.kind != "log":
            say(delivery.sentence)


def _too_few(job: JobConfig, drifted: VersionReport, n_new: int, *, is_first: bool) -> str:
    since = "it was made" if is_first else "training was started for it last"
    return (
        f"nothing was trained for {drifted.name} {drifted.version}: {count(n_new, 'true label')} "
        f"came since {since}, and retrain.least_labels is {job.monitoring.retrain.least_labels:,}; "
        "give feedback on its predictions"
    )


def _trained_on(part: VersionReport) -> set[str | None]:
    """Returns the digests of the data of a version, as far as they are known here.

    The newest data are read before anything is put into quarantine, so what the version was
    selected from counts; an older bundle knows only what was selected.
    """
    try:
        lineage = read_manifest(bundle_folder(bundle_tag(part.name, part.version))).lineage
    except BundleError:
        return set()
    return {lineage.data_digest, lineage.whole_data_digest}


def _load(job: JobConfig) -> JobConfig:
    """Reads the job that trains.

    Raises:
      ConfigError: it is no right job, trains nothing, or trains another model.
    """
    path = job.monitoring.retrain.config
    assert path is not None
    training = load_job(path)
    key = f"monitoring.retrain.config = {str(path)!r}"
    if training.pipeline != "training":
        raise ConfigError([f"{key}: its pipeline is {training.pipeline}; name a job that trains"])
    if training.model.name != job.model.name:
        raise ConfigError(
            [f"{key}: trains {training.model.name!r}; name a job that trains {job.model.name!r}"]
        )
    return training
