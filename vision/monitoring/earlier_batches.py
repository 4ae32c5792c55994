"""Which predictions people were given to label before, so that nobody labels an image twice.

The newest 200 review batches of a version are looked at, enough for a week of hourly runs. A table
that people have saved in another form, or moved away, is passed over.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from vision.monitoring.review_files import TABLE, plain_text

_N_BATCHES = 200
_TIME = re.compile(r"\d{8}-\d{6}")


@dataclass(frozen=True)
class Reviewed:
    """Request ids of earlier batches.

    Attributes:
      drawn: those of the random parts.
      picked: the others, which were chosen for being hard.
    """

    drawn: frozenset[str] = frozenset()
    picked: frozenset[str] = frozenset()


def read_reviewed(place: Path, name: str, version: str) -> Reviewed:
    """Returns what the batches of a version hold; a batch that cannot be read holds nothing.

    Args:
      place: the folder of the batches; it may not exist.
      name: the model's.
      version: its version.
    """
    prefix = f"{name}-{version}-"
    try:
        found = [each for each in place.iterdir() if each.name.startswith(prefix)]
    except OSError:
        return Reviewed()
    batches = [each for each in found if _TIME.fullmatch(each.name.removeprefix(prefix))]
    batches.sort(key=lambda each: each.name)
    drawn: set[str] = set()
    picked: set[str] = set()
    for batch in batches[-_N_BATCHES:]:
        for request_id, why in _read(batch / TABLE):
            (drawn if "random" in why.split() else picked).add(request_id)
    return Reviewed(frozenset(drawn), frozenset(picked - drawn))


def _read(table: Path) -> list[tuple[str, str]]:
    """Returns request id and reasons of each row."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []
    pairs = [(row.get("request_id"), row.get("why")) for row in rows]
    return [(plain_text(request_id), why or "") for request_id, why in pairs if request_id]
