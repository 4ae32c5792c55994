"""``run.py gc``: lists what nothing needs any more, and removes it when it is told so.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from steps.upkeep.plan import Plan, Verdict
    from steps.upkeep.remove import Done

DONE, FAILED = 0, 1
_KEPT = 5


@click.command()
@click.option("--yes", is_flag=True, help="Remove it; without this it is only listed.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=_KEPT,
    show_default=True,
    metavar="N",
    help="How many of the newest versions of each model stay, beside those that are needed.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def gc(yes: bool, keep: int, as_json: bool) -> int:
    """Lists archives, images, bentos and leftovers that nothing needs any more.

    Models, data, logs and passports are never removed.
    """
    from steps.upkeep.remove import remove_all
    from steps.upkeep.survey import survey

    plan = survey(keep)
    done: list[Done] = []
    if not as_json:
        _tell(plan)
    if yes:
        for each in remove_all(plan, keep):
            done.append(each)
            if not as_json:
                _tell_done(each)
    elif not as_json:
        click.echo("".join(f"{_line(each)}\n" for each in plan.goes), nl=False)
    if as_json:
        click.echo(json.dumps(_to_json(plan, done, yes), indent=2))
    else:
        click.echo(_removed(done) if yes else _listed(plan, keep))
    return DONE if plan.is_sure and all(each.outcome != "failed" for each in done) else FAILED


def _tell(plan: Plan) -> None:
    """Says what stays, what is left, and what could not be looked at."""
    for (model, version), why in sorted(plan.staying.reasons.items()):
        click.echo(f"stays: {model} {version}, {why}")
    for each in plan.left:
        click.echo(f"left: {each.thing.name}, {each.why}")
    for model, doubt in plan.staying.doubts.items():
        of = f"of {model}" if model else "of any model"
        click.echo(f"nothing {of} is removed: {doubt}", err=True)
    for problem in plan.problems:
        click.echo(problem, err=True)


def _tell_done(done: Done) -> None:
    if done.outcome == "removed":
        click.echo(f"removed {_line(done.verdict)}")
    elif done.outcome == "left":
        click.echo(f"left: {done.verdict.thing.name}, {done.why}")
    else:
        click.echo(f"{done.verdict.thing.name} was not removed: {done.why}", err=True)


def _line(verdict: Verdict) -> str:
    thing = verdict.thing
    size = "" if thing.n_bytes is None else f" ({thing.n_bytes / 1e6:,.1f} MB)"
    return f"{thing.kind} {thing.name}{size}: {verdict.why}"


def _listed(plan: Plan, keep: int) -> str:
    if not plan.goes:
        return "nothing is to be removed"
    option = "" if keep == _KEPT else f" --keep {keep}"
    return f"{_sum(plan.goes)}; nothing was removed: `run.py gc{option} --yes` removes them"


def _removed(done: list[Done]) -> str:
    gone = [each.verdict for each in done if each.outcome == "removed"]
    n_failed = sum(each.outcome == "failed" for each in done)
    said = f"{_sum(gone)} removed" if gone else "nothing was removed"
    return f"{said}; {n_failed} could not be" if n_failed else said


def _sum(verdicts: Iterable[Verdict]) -> str:
    from vision.wording import count

    sizes = [each.thing.n_bytes for each in verdicts]
    said = f"{count(len(sizes), 'thing')}, {sum(filter(None, sizes)) / 1e6:,.1f} MB"
    return f"{said} and what the builder frees" if None in sizes else said


def _to_json(plan: Plan, done: list[Done], yes: bool) -> dict[str, Any]:
    gone = [each.verdict.thing.n_bytes or 0 for each in done if each.outcome == "removed"]
    became = {id(each.verdict): each for each in done}
    return {
        "removed": yes,
        "n_bytes": sum(gone) if yes else plan.n_bytes,
        "goes": [_plain(each, became.get(id(each))) for each in plan.goes],
        "left": [_plain(each) for each in plan.left],
        "stays": [
            {"model": model, "version": version, "why": why}
            for (model, version), why in sorted(plan.staying.reasons.items())
        ],
        "problems": [*filter(None, plan.staying.doubts.values()), *plan.problems],
    }


def _plain(verdict: Verdict, done: Done | None = None) -> dict[str, Any]:
    thing = verdict.thing
    said = {"kind": thing.kind, "name": thing.name, "n_bytes": thing.n_bytes, "why": verdict.why}
    return said if done is None else {**said, "outcome": done.outcome, "problem": done.why}
