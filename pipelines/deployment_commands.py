"""``run.py approve | rollback | deployments``: what people do around deployments.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import getpass
import json
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from serving.record import DeploymentRecord
    from steps.promotion.rollback import RolledBack, Served
    from steps.promotion.services import Service
    from steps.rollout.last import LastRollOut

DONE, FAILED = 0, 1
# Where `make serve` answers.
_LOCAL = "http://127.0.0.1:3000"
_COLUMNS = ("time", "model", "version", "action", "outcome", "detail")


@click.command()
@click.argument("version")
@click.option("--model", metavar="NAME", help="Where versions of two models have that name.")
@click.option("--reject", is_flag=True, help="Do not let it become the champion.")
@click.option("--by", metavar="NAME", help="Who says so; by default the user of this machine.")
def approve(version: str, model: str | None, reject: bool, by: str | None) -> int:
    """Lets VERSION, which waits for a person, become the champion.

    Run the deployment again afterwards.
    """
    from steps.promotion.approvals import answer_approval

    said = answer_approval(version, by or _user(), approve=not reject, model=model)
    click.echo(f"{said.answer}: {said.model} {said.version}, by {said.by}")
    for reason in said.reasons:
        click.echo(f"  {reason}")
    if said.answer == "approved":
        click.echo("now run the deployment again; it goes on from here")
    return DONE


@click.command()
@click.argument("version", required=False)
@click.option("--model", metavar="NAME", help="The model; needed where several have a champion.")
@click.option(
    "--service",
    "addresses",
    multiple=True,
    metavar="URL",
    help=f"A service that is told at once; by default those of the last roll-out, else {_LOCAL}.",
)
@click.option(
    "--admin-key-from",
    metavar="VARIABLE",
    help="Holds the admin key; by default VISIONSTACK_ADMIN_KEY.",
)
def rollback(
    version: str | None, model: str | None, addresses: tuple[str, ...], admin_key_from: str | None
) -> int:
    """Serves VERSION again, or the champion before the present one."""
    began = time.monotonic()
    from steps.promotion.places import all_places
    from steps.promotion.rollback import roll_back
    from steps.promotion.services import KEY_VARIABLE, find_key

    name = model or _only_model()
    key, key_from = find_key(admin_key_from), admin_key_from or KEY_VARIABLE
    last, is_certain = (None, True) if addresses else _read_last(name)
    services = _services(last, addresses or (_LOCAL,), key, key_from)
    # Where nobody named the default one, and nothing was rolled out, it may be that there is none.
    may_be_away = not (addresses or last or not is_certain)
    done = roll_back(
        name, version, services, all_places(), _tell, began=began, may_be_away=may_be_away
    )
    _show(done)
    if done.failed:
        _show_failure(done)
        return FAILED
    if last is not None:
        _note(last, done)
    return DONE


def _show(done: RolledBack) -> None:
    change = done.change
    if change.is_new:
        click.echo(f"champion of {change.model}: {change.version} (before: {change.former})")
    else:
        click.echo(f"champion of {change.model}: {change.version}, as it was already")
    if done.carries_on is not None and not done.is_open:
        began = f"{done.carries_on:%Y-%m-%d %H:%M} UTC"
        click.echo(f"the rollback of {began} is over now; `run.py rollback` goes further back")
    if done.waiting:
        click.echo(done.waiting, err=True)


def _show_failure(done: RolledBack) -> None:
    if len(done.failed) == len(done.served):
        moved = "champion moved; " if done.change.is_new else ""
        click.echo(f"{moved}no service confirmed", err=True)
    if done.is_open:
        again = f"`run.py rollback` tries {done.change.version} once more"
        click.echo(f"{again}; to go further back, name the version", err=True)


@click.command()
@click.option("--model", metavar="NAME", help="Of this model alone.")
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--database",
    metavar="URL",
    help="The log's database; by default VISIONSTACK_LOG_DATABASE, or this machine's.",
)
def deployments(model: str | None, last: int, as_json: bool, database: str | None) -> int:
    """Lists what was promoted, rolled out, rolled back and refused, newest first."""
    from serving.log.errors import NoLogError
    from serving.log.offline import open_log
    from serving.log.recording import read_deployments

    try:
        with open_log(database) as engine:
            found = read_deployments(engine, last, model)
    except NoLogError:
        if database is not None:
            raise
        found = ()  # nothing was deployed from here yet
    if as_json:
        click.echo(json.dumps([_plain(each) for each in found], indent=2))
    elif found:
        click.echo("\n".join(_lines(found)))
    else:
        click.echo("no deployments yet")
    return DONE


def _plain(record: DeploymentRecord) -> dict[str, Any]:
    return {**vars(record), "time": record.time.isoformat()}


def _lines(found: tuple[DeploymentRecord, ...]) -> list[str]:
    rows = [
        (
            f"{each.time:%Y-%m-%d %H:%M:%S}",
            each.model_name,
            each.model_version,
            each.action,
            each.outcome,
            " ".join(each.detail.split()),
        )
        for each in found
    ]
    widths = [max(len(row[place]) for row in (_COLUMNS, *rows)) for place in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_COLUMNS, *rows)
    ]


def _read_last(model: str) -> tuple[LastRollOut | None, bool]:
    """Returns the last roll-out, and whether that is certain; a damaged note stops no rollback."""
    from steps.rollout.last import read_last
    from vision.errors import VisionError

    try:
        return read_last(model), True
    except VisionError as error:
        click.echo(str(error), err=True)
        return None, False


def _services(
    last: LastRollOut | None, addresses: tuple[str, ...], key: str | None, key_from: str
) -> list[Service]:
    """Returns what runs of the last roll-out, and without one what is behind the addresses."""
    from steps.promotion.services import HttpService

    if last is not None and last.target != "local":
        from steps.rollout.image_service import ImageService

        return [ImageService(last, key)]
    found = last.services if last is not None else addresses
    return [HttpService(address.rstrip("/"), key, key_from) for address in found]


def _note(last: LastRollOut, done: RolledBack) -> None:
    """Notes that the champion is served where the last roll-out was."""
    from steps.rollout.last import moved, note_last
    from vision.errors import VisionError

    try:
        note_last(moved(last, done.change))
    except VisionError as error:
        click.echo(str(error), err=True)


def _tell(served: Served) -> None:
    if served.problem:
        click.echo(served.problem, err=True)
    else:
        click.echo(f"{served.address} serves it after {served.seconds:.1f} s")


def _only_model() -> str:
    """Returns the model that has a champion.

    Raises:
      UsageError: there are several.
      BundleError: there is none.
    """
    from vision.bundles.champion import FOLDER
    from vision.errors import BundleError
    from vision.home import home

    names = sorted(path.stem for path in (home() / FOLDER).glob("[!.]*.json"))
    if not names:
        raise BundleError("no model has a champion, so there is nothing to roll back")
    if len(names) > 1:
        raise click.UsageError(f"name one of the models with --model: {', '.join(names)}")
    return names[0]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
