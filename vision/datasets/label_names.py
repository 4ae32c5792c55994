"""Class names as people write them become one form: trimmed, and in Unicode's composed form.

``café`` can be five letters or four and an accent; both are one class. Names that differ in case
alone stay two classes, since nobody but the owner knows whether they are; they are reported.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from vision.datasets.problems import Problems


def clean_name(raw: str) -> str:
    """Returns the name without the space around it, in Unicode's normal form C."""
    return unicodedata.normalize("NFC", raw.strip())


def note_clashes(raw_names: Iterable[str], problems: Problems) -> None:
    """Reports class names that differ in case or Unicode form only (check ``label_clashes``)."""
    forms: dict[str, set[str]] = defaultdict(set)
    for raw in set(raw_names):
        forms[_folded(raw)].add(raw.strip())
    for same in forms.values():
        first, *others = sorted(same)
        if others:
            problems.add("label_clashes", first, " and ".join(_told_apart(first, *others)))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", clean_name(name).casefold())


def _told_apart(first: str, *others: str) -> Iterable[str]:
    for other in others:
        same = clean_name(other) == clean_name(first)
        yield f"beside {other}" + (" (one class, two Unicode forms)" if same else "")
