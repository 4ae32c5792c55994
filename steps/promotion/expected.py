"""Which champion a promotion expects: the one that its version was compared with.

Between the comparison and the promotion a bento is built and tried, for minutes. Who has become
champion meanwhile was not compared with the version, and is not replaced by it. In the same way a
roll-out, which may watch for hours, takes back only the champion that it has rolled out.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from vision.bundles.champion import Champion, read_champion
from vision.errors import BundleError


class Unset(Enum):
    """Says that the version was compared with no champion, and may replace any."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
Expected = str | Unset | None


def find_present(model: str, expected: Expected) -> Champion | None:
    """Returns the champion; a damaged pointer counts as none where none was expected.

    Then the comparison has found it damaged too, and a person has approved the version.

    Raises:
      BundleError: the pointer is damaged, and the champion was known when it was compared with.
    """
    try:
        return read_champion(model)
    except BundleError:
        if expected is not None:
            raise
        return None


def tell_change(version: str, model: str, present: Champion | None, expected: Expected) -> str:
    """Says that the champion is not the expected one; returns nothing where it is."""
    found = present.version if present else None
    if expected is UNSET or found == expected:
        return ""
    return (
        f"the champion of {model} has changed since {version} was compared with it: it was "
        f"{expected or 'none'}, and is {found or 'none'} now; run the deployment again, which "
        "compares anew"
    )


def tell_other(model: str, version: str) -> str:
    """Says that another version has become champion; returns nothing where none has.

    A damaged pointer names no other.
    """
    try:
        found = read_champion(model)
    except BundleError:
        return ""
    if found is None or found.version == version:
        return ""
    return f"{found.version} has become the champion of {model} since, and stays"
