"""The whole passport in words: its chapters, as text, and what is not known."""

from __future__ import annotations

from vision.drift.power_table import CLEAN, PowerTable
from vision.drift.power_words import describe_power, false_alarms, method, short_table
from vision.passport.chapters import (
    Chapter,
    Table,
    code_chapter,
    data_chapter,
    model_chapter,
    packages_chapter,
    rollout_chapter,
)
from vision.passport.passport import Passport
from vision.passport.quality_chapters import (
    comparison_chapter,
    costs_chapter,
    evaluation_chapter,
)
from vision.passport.wording import NOT_KNOWN
from vision.wording import count, one_line

POWER_TITLE = "Changed images: what is seen, and what it does"
COMPARISON_TITLE = "Against the champion"
CODE_TITLE = "Code"
PACKAGES_TITLE = "Packages"

# Longer tables are for the page.
_MOST_ROWS = 20


def chapters(passport: Passport) -> tuple[Chapter, ...]:
    """Returns every chapter, in the order in which people ask."""
    return (
        evaluation_chapter(passport),
        comparison_chapter(passport),
        power_chapter(passport.power),
        costs_chapter(passport),
        model_chapter(passport),
        data_chapter(passport),
        code_chapter(passport),
        packages_chapter(passport),
        rollout_chapter(passport),
    )


def power_chapter(table: PowerTable | None) -> Chapter:
    """Says which changes the drift check sees, and what each does to the answers."""
    if table is None:
        return Chapter(POWER_TITLE, (("Power of the drift check", NOT_KNOWN),))
    said = describe_power(table)
    clean = table.harm(CLEAN, 0).accuracy
    promised = {row[0]: row[1:] for row in short_table(table)}
    rows = []
    for kind, promises in promised.items():
        severities = [severity for name, severity in table.changes if name == kind]
        right = (table.harm(kind, severity).accuracy for severity in severities)
        rows.append((kind, *promises, *(_percent(share) for share in right)))
    facts = (
        ("Right answers, nothing changed", _percent(clean)),
        ("Not seen, though fewer answers are right", count(len(said.missed), "change")),
    )
    heads = ("Change", "Seen 1", "Seen 2", "Seen 3", "Right 1", "Right 2", "Right 3")
    explained = (
        "Seen: after how many changed images, at severity 1, 2 and 3. Right: share of right "
        "answers then."
    )
    sentences = (explained, *said.missed, method(table), false_alarms(table))
    return Chapter(POWER_TITLE, facts, (Table(heads, tuple(rows)),), sentences)


def find_unknown(passport: Passport) -> tuple[str, ...]:
    """Returns the name of every fact that is not known."""
    found = (
        f"{chapter.title}: {name.lower()}"
        for chapter in chapters(passport)
        for name, value in chapter.facts
        if value.endswith(NOT_KNOWN)
    )
    return tuple(dict.fromkeys(found))


def as_text(passport: Passport) -> str:
    """Returns the passport for a terminal; of long tables the first 20 rows."""
    lines = [f"{passport.name} {passport.version}"]
    for chapter in chapters(passport):
        lines += ["", chapter.title]
        width = max((len(name) for name, _ in chapter.facts), default=0)
        lines += [f"  {name:<{width}}  {one_line(value)}" for name, value in chapter.facts]
        for table in (each for each in chapter.tables if each.rows):
            lines += _table(table)
        lines += [f"  {one_line(sentence)}" for sentence in chapter.sentences]
    return "\n".join(line.rstrip() for line in lines)


def _table(table: Table) -> list[str]:
    rows = [table.heads, *table.rows[:_MOST_ROWS]]
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in cells
    ]
    more = len(table.rows) - _MOST_ROWS
    return [*lines, f"  … {more:,} more"] if more > 0 else lines


def _percent(share: float | None) -> str:
    return NOT_KNOWN if share is None else f"{share:.1%}"
