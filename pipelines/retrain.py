"""Starts training again after drift: on the newest data, where there is something to learn.

``home()/monitoring/retrains/<model>.json`` keeps, for each version, how many true labels there were
when training was started for it, and on which data. Training is started only where ``least_labels``
more have come since, and where the data are others than those the version, or an earlier start, was
trained on. So no failure and no schedule makes it start over and over: a start counts whatever
became of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipelines.report import RunReport
from serving.models.store import bundle_folder, bundle_tag
from steps.datasets import read_dataset
from steps.revisions.newest import newest_revision
from vision.bundles.manifest import check_id, read_manifest
from vision.config import JobConfig
from vision.config.load import load_job
from vision.errors import BundleError, ConfigError, VisionError
from vision.monitoring.kept import kept_path, read_kept, write_kept
from vision.monitoring.report import MonitoringReport, VersionReport
from vision.wording import count

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
    """Starts training where a version drifted and enough is new.

    Args:
      job: the monitoring job.
      report: what it found.
      launch: runs a job to its end.

    Returns:
      the report of the training; where nothing was trained, why, in a sentence; empty where
      nothing was to be trained.
    """
    drifted = _drifted(report) if job.monitoring.on_drift == "retrain" else None
    if drifted is None:
        return ""
    try:
        return _retrain(job, drifted, launch)
    except VisionError as error:
        return f"nothing was trained for {drifted.name} {drifted.version}: {error}"


def _retrain(job: JobConfig, drifted: VersionReport, launch: Launch) -> str | RunReport:
    path = kept_path("retrains", check_id(drifted.name, "model name"))
    what = f"what training was started for {drifted.name}"
    kept = read_kept(path, _Starts, what)
    starts = kept.starts if kept else ()
    few = _too_few(job, drifted, starts)
    if few:
        return few
    training = _load(job)
    dataset = newest_revision(training.images)
    digest = read_dataset(dataset).digest
    if digest in {_trained_on(drifted), *(start.data_digest for start in starts)}:
        return (
            f"nothing was trained for {drifted.name} {drifted.version}: the newest data are those "
            "that a version was trained on already; add the newly labelled images to the dataset"
        )
    start = _Start(
        version=drifted.version,
        n_labelled=_n_labelled(drifted),
        data_digest=digest,
        time=datetime.now(UTC),
    )
    write_kept(path, _Starts(model=drifted.name, starts=(*starts, start)), what)
    return launch(training.model_copy(update={"dataset": dataset}))


def _too_few(job: JobConfig, drifted: VersionReport, starts: tuple[_Start, ...]) -> str:
    """Says what is missing; empty where there are enough new labels."""
    before = max((s.n_labelled for s in starts if s.version == drifted.version), default=0)
    n_new = max(0, _n_labelled(drifted) - before)
    needed = job.monitoring.retrain.least_labels
    if n_new >= needed:
        return ""
    since = "training was started for it last" if before else "it was made"
    return (
        f"nothing was trained for {drifted.name} {drifted.version}: {count(n_new, 'true label')} "
        f"came since {since}, and retrain.least_labels is {needed:,}; give feedback on its "
        "predictions"
    )


def _drifted(report: MonitoringReport) -> VersionReport | None:
    """Returns the newest version that drifted, None where none did."""
    return next((part for part in report.versions if part.verdict == "drift"), None)


def _n_labelled(part: VersionReport) -> int:
    accuracy = part.accuracy
    return accuracy.live.n + accuracy.n_several if accuracy else 0


def _trained_on(part: VersionReport) -> str | None:
    """Returns the digest of the data of a version; None where that is not known here."""
    try:
        return read_manifest(bundle_folder(bundle_tag(part.name, part.version))).lineage.data_digest
    except BundleError:
        return None


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
