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


def find_version(model: str) -> str | None:
    """Returns the version that is champion; None where there is none or its pointer is damaged."""
    try:
        found = read_champion(model)
    except BundleError:
        return None
    return found.version if found is not None else None


def tell_other(model: str, version: str | None) -> str:
    """Says that another version has become champion; returns nothing where none has.

    Args:
      model: the model's name.
      version: the champion before; None where it is not known, and then nobody can say.
    """
    found = find_version(model)
    if None in (found, version) or found == version:
        return ""
    return f"{found} has become the champion of {model} since, and stays"
