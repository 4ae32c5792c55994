"""The command line: reads a job, runs its pipeline, and says how it ended.

Exit codes: 0 done, 1 failed, 2 bad configuration or stack, 3 stopped by a gate, 4 drift found,
5 waiting for an approval, 130 interrupted.
Only light modules are imported up here, so that help and bad configurations are answered at once.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pipelines.bundle_commands import bundle
from pipelines.data_commands import data
from pipelines.deployment_commands import approve, deployments, rollback
from pipelines.log_commands import log
from pipelines.monitor_commands import find_monitoring, monitor, run_once
from pipelines.passport_commands import passport
from pipelines.simulate_commands import simulate
from pipelines.upkeep_commands import gc
from pipelines.writing import writing
from vision import environment
from vision.errors import ConfigError, GateStopped, StackError, VisionError
from vision.streams import outlive_readers

DONE, FAILED, BAD_CONFIGURATION, STOPPED, DRIFT, WAITING, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
_EXIT_CODES = {
    "completed": DONE,
    "failed": FAILED,
    "stopped": STOPPED,
    "drift": DRIFT,
    "waiting": WAITING,
}
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=_FILE, help="The job: a YAML file.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a key of the job."
)
@click.option("--stack", metavar="NAME", help="The stack to run on; by default the active one.")
@click.option("--dry-run", is_flag=True, help="Show the whole job and what would run.")
@click.option("--no-cache", is_flag=True, help="Run every step, even where nothing changed.")
@click.option("--report", type=_FILE, metavar="FILE.json", help="Write what happened as JSON.")
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Trains, evaluates and publishes an image classifier from one configuration file.

    For example: python run.py --config configs/train.yaml --set training.epochs=5
    """
    context.obj = _run_job  # for ``monitor``, which runs a job too
    if context.invoked_subcommand is not None:
        if any(options.values()):
            raise click.UsageError(f"{context.invoked_subcommand} takes none of the job's options")
    elif options["config"] is not None:
        context.exit(_run_any_job(**options))
    elif any(options.values()):
        raise click.UsageError("name the job: --config configs/train.yaml")
    else:
        click.echo(context.get_help())


def _run_any_job(config: Path, overrides: Sequence[str], dry_run: bool, **options: Any) -> int:
    # One that monitors takes the lock and tells of failures as with ``run.py monitor``.
    job = None if dry_run else find_monitoring(config, overrides)
    if job is not None:
        return run_once(_run_job, job, config, overrides, **options)
    return _run_job(config, overrides, dry_run=dry_run, **options)


def _run_job(
    config: Path, overrides: Sequence[str], stack: str | None, report: Path | None, **flags: bool
) -> int:
    if report is not None:
        if flags["dry_run"]:
            raise click.UsageError("--dry-run runs nothing to report; leave out --report")
        from pipelines.report_file import clear_report

        with writing("--report", report, BAD_CONFIGURATION):
            clear_report(report)
    from vision.config.describe import describe_job
    from vision.config.load import load_job

    job = load_job(config, overrides)
    from pipelines import launch  # brings ZenML, which takes seconds: only for a job that is right
    from pipelines.report import RunReport

    if flags["dry_run"]:
        click.echo(f"{describe_job(job)}\n{launch.plan(job, stack)}")
        return DONE
    ended = RunReport(pipeline=job.pipeline, status="failed")  # unless it ends otherwise
    try:
        ended = launch.launch(job, stack=stack, use_cache=not flags["no_cache"])
        click.echo(ended.summary())
    finally:
        if report is not None:
            from pipelines.report_file import write_report

            with writing("--report", report, FAILED):
                write_report(report, ended.to_json())
    return _EXIT_CODES[ended.status]


@cli.command()
def doctor() -> int:
    """Checks this machine; each line is ok or names the command that mends it."""
    from stacks.doctor import examine

    checks = examine()
    click.echo("\n".join(check.line for check in checks))
    return DONE if all(check.ok for check in checks) else FAILED


@cli.group()
def stacks() -> None:
    """Registers the stacks of the folder stacks/, lists them, compares them."""


@stacks.command()
@click.argument("names", nargs=-1)
def apply(names: Sequence[str]) -> None:
    """Registers the stacks NAMES, or all; a second time changes nothing."""
    from stacks import registry

    _tell(registry.apply(names or None), *registry.waiting())


@stacks.command("list")
def list_stacks() -> None:
    """Lists the stacks and which one is active."""
    from stacks import registry

    click.echo(registry.list_stacks())


@stacks.command()
def diff() -> None:
    """Shows how the registered stacks differ from the files; changes nothing."""
    from stacks import registry

    _tell(registry.diff(), *registry.waiting())


def _tell(changes: Sequence[Any], *waiting: Any) -> None:
    for change in (*changes, *waiting):
        click.echo(change.sentence)
    click.echo(f"{len(changes)} change{'' if len(changes) == 1 else 's'}")


cli.add_command(approve)
cli.add_command(bundle)
cli.add_command(data)
cli.add_command(deployments)
cli.add_command(gc)
cli.add_command(log)
cli.add_command(monitor)
cli.add_command(passport)
cli.add_command(rollback)
cli.add_command(simulate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code; a defect keeps its traceback."""
    environment.prepare()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        code = cli.main(arguments, prog_name="run.py", standalone_mode=False)
        return int(code or DONE)
    except click.Abort:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ConfigError as error:
        click.echo(f"{error}\nnothing was run", err=True)
        return BAD_CONFIGURATION
    except VisionError as error:
        click.echo(f"error: {error}", err=True)
        return {StackError: BAD_CONFIGURATION, GateStopped: STOPPED}.get(type(error), FAILED)


if __name__ == "__main__":
    outlive_readers()
    sys.exit(main())
