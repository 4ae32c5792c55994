"""``run.py passport ...``: shows what is known about a model version, and compares two.

Only light modules are imported up here; see run.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from vision.passport.change import Change

DONE = 0
_MARKS = {"better": "+", "worse": "-", "other": " "}


@click.group()
def passport() -> None:
    """Shows the passport of a deployed model version, and compares two.

    A passport is named by VERSION, MODEL/VERSION, or the path of its JSON file.
    """


@passport.command()
@click.argument("version")
def show(version: str) -> int:
    """Prints the passport of VERSION."""
    from vision.passport.describe import as_text
    from vision.passport.store import find_passport, read_passport

    path = find_passport(version)
    click.echo(as_text(read_passport(path)))
    page = path.with_suffix(".html")
    if page.is_file():
        click.echo(f"\npage: {page}")
    return DONE


@passport.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
def diff(before: str, after: str) -> int:
    """Prints what is different in B; + is better and - is worse than in A."""
    from vision.passport.diff import diff_passports
    from vision.passport.store import find_passport, read_passport
    from vision.wording import count

    one, two = (read_passport(find_passport(each)) for each in (before, after))
    changes = diff_passports(one, two)
    click.echo(f"{one.name} {one.version} -> {two.name} {two.version}")
    click.echo("\n".join([*_lines(changes), count(len(changes), "difference")]))
    return DONE


def _lines(changes: tuple[Change, ...]) -> list[str]:
    from vision.wording import one_line

    lines, section = [], ""
    for change in changes:
        if change.section != section:
            section = change.section
            lines += ["", section]
        lines.append(f"{_MARKS[change.effect]} {one_line(change.sentence)}")
    return [*lines, ""]
