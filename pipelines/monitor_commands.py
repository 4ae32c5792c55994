"""``run.py monitor``: runs a monitoring job now, at its times, or hands it to the orchestrator.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
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
    return _once(run_job, job, config, overrides, stack=stack, report=report)


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


def _once(
    run_job: RunJob,
    job: JobConfig,
    config: Path,
    overrides: Sequence[str],
    *,
    stack: str | None,
    report: Path | None,
) -> int:
    from pipelines.forever import utc_now
    from pipelines.monitor_outcome import telling_outcome
    from pipelines.schedule import JobSchedule

    schedule = JobSchedule(config, overrides)
    with schedule.only_one("run", "is being run"), telling_outcome(job, config) as outcome:
        schedule.note(utc_now())
        outcome.code = run_job(
            config=config,
            overrides=overrides,
            stack=stack,
            report=report,
            dry_run=False,
            no_cache=False,
        )
    return outcome.code


def _watch(config: Path, overrides: Sequence[str], stack: str | None) -> int:
    from pipelines.forever import run_forever, utc_now
    from pipelines.monitor_outcome import tell_failure
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

        def run() -> int:
            since = utc_now()
            code = stopping.run(command)
            # It is no failure where it was refused since somebody runs the job by hand.
            if code != FAILED or not schedule.is_held("run"):
                tell_failure(job.last, config, code, since)
            return code

        run_forever(schedule, job.every, run, stopping)
    return DONE
