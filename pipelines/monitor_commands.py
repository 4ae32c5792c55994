"""``run.py monitor``: runs a monitoring job now, at its times, or hands it to the orchestrator.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vision.config import JobConfig

_FILE = click.Path(path_type=Path, dir_okay=False)
RunJob = Callable[..., int]
DONE, FAILED = 0, 1


@click.command()
@click.option("--config", type=_FILE, required=True, help="The job: pipeline: monitoring.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a key of the job."
)
@click.option("--stack", metavar="NAME", help="The stack to run on; by default the active one.")
@click.option("--report", type=_FILE, metavar="FILE.json", help="Write what happened as JSON.")
@click.option("--forever", is_flag=True, help="Run at the times of monitoring.every, in UTC.")
@click.option(
    "--schedule", is_flag=True, help="Let the stack's orchestrator run it at those times."
)
@click.pass_obj
def monitor(
    run_job: RunJob,
    config: Path,
    overrides: Sequence[str],
    stack: str | None,
    report: Path | None,
    forever: bool,
    schedule: bool,
) -> int:
    """Watches a served model: looks at what it predicted, tells people, acts.

    Exit codes are those of run.py; 4 means drift.
    """
    if forever and schedule:
        raise click.UsageError("either --forever or --schedule: one of them runs the job")
    if report is not None and (forever or schedule):
        raise click.UsageError("--report belongs to a single run; leave it out")
    job = _load(config, overrides, needs_times=forever or schedule)
    if schedule:
        from pipelines import launch

        _check_needs_no_run_py(config, job)
        click.echo(launch.schedule(job, stack))
        return DONE
    if forever:
        return _watch(config, overrides, stack)
    return run_once(run_job, job, config, overrides, stack=stack, report=report)


def _load(config: Path, overrides: Sequence[str], needs_times: bool) -> JobConfig:
    """Reads a job of the right kind.

    Raises:
      ConfigError: it is not right, monitors nothing, or says no times where they are needed.
    """
    from vision.config.load import load_job
    from vision.errors import ConfigError

    job = load_job(config, overrides)
    if job.pipeline != "monitoring":
        raise ConfigError(
            [f"{config}: pipeline = {job.pipeline}: run.py monitor takes pipeline: monitoring"]
        )
    if needs_times and job.monitoring.every is None:
        raise ConfigError(
            [f'{config}: monitoring.every is not set; give the times, for example "0 3 * * 1"']
        )
    return job


def _check_needs_no_run_py(config: Path, job: JobConfig) -> None:
    """Refuses what an orchestrator's schedule would leave out, since it runs the pipeline alone.

    Raises:
      ConfigError: training would have to be started after the pipeline.
    """
    from vision.errors import ConfigError

    if job.monitoring.on_drift == "retrain":
        raise ConfigError(
            [
                f"{config}: monitoring.on_drift = retrain: an orchestrator's schedule starts no "
                "training; use run.py monitor --forever or the systemd units, or another on_drift"
            ]
        )


def find_monitoring(config: Path, overrides: Sequence[str]) -> JobConfig | None:
    """Returns a job that monitors; None where it does something else, or is not right."""
    from vision.config.load import load_job
    from vision.errors import ConfigError

    try:
        job = load_job(config, overrides)
    except ConfigError:
        return None  # whoever runs it says why
    return job if job.pipeline == "monitoring" else None


def run_once(
    run_job: RunJob,
    job: JobConfig,
    config: Path,
    overrides: Sequence[str],
    *,
    stack: str | None,
    report: Path | None,
    no_cache: bool = False,
) -> int:
    """Runs a monitoring job now, unless it is being run, and tells people where it fails.

    Args:
      run_job: runs it and returns the exit code.
      job: what is in the file.
      config: the file.
      overrides: ``key=value`` each.
      stack: the name of the stack; None for the active one.
      report: where what happened is written.
      no_cache: whether every step is to run.

    Returns:
      the exit code.

    Raises:
      HeldError: it is being run by another process.
      VisionError: the run was refused or failed.
    """
    from pipelines.forever import utc_now
    from pipelines.monitor_outcome import telling_outcome
    from pipelines.monitor_trouble import tell_cut_off
    from pipelines.schedule import HeldError, JobSchedule

    schedule = JobSchedule(config, overrides)
    options = {"stack": stack, "report": report, "dry_run": False, "no_cache": no_cache}
    try:
        with schedule.only_one("run", "is being run"), telling_outcome(job, config) as outcome:
            tell_cut_off(job, schedule)
            schedule.begin(utc_now())
            try:
                outcome.code = run_job(config=config, overrides=overrides, **options)
            finally:
                schedule.end()
    except HeldError:
        if report is not None:
            with suppress(OSError):
                report.unlink()  # that of an earlier run
        raise
    return outcome.code


def _watch(config: Path, overrides: Sequence[str], stack: str | None) -> int:
    from pipelines.forever import run_forever, utc_now
    from pipelines.monitor_outcome import tell_failure
    from pipelines.monitor_trouble import tell_trouble
    from pipelines.schedule import JobSchedule
    from pipelines.stopping import Stopping
    from pipelines.watched_job import WatchedJob
    from vision.home import repository

    command = [sys.executable, str(repository() / "run.py"), "monitor", "--config", str(config)]
    command += [part for override in overrides for part in ("--set", override)]
    command += ["--stack", stack] if stack else []
    schedule = JobSchedule(config, overrides)
    job = WatchedJob(lambda: _load(config, overrides, needs_times=True))
    with schedule.only_one("forever", "is watched"), Stopping() as stopping:

        def run(meanwhile: Callable[[], None]) -> int:
            since = utc_now()
            code = stopping.run(command, meanwhile)
            # It is no failure where it was refused since somebody runs the job by hand.
            if code != FAILED or not schedule.is_held("run"):
                tell_failure(job.last, config, code, since)
            return code

        def tell(sentence: str) -> None:
            tell_trouble(job.last, sentence)

        run_forever(schedule, job.every, run, tell, stopping)
    return DONE
