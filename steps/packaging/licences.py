"""Which licences the packages of the service have, and which of them may not be there.

With the packages of requirements/service.txt nothing of the GPL, the AGPL, the SSPL or the Business
Source License may be in the service (SE-08). alibi-detect, which comes with
requirements/service-alibi.txt, is under the last; that is allowed where it was asked for, and said.
A licence that joins others with AND is judged by the worst of them, with OR by the best; an
exception of the GPL that lets programs link to it (``WITH``) counts as no GPL, and neither does the
LGPL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from steps.packaging.packages import Package

ALIBI = "alibi-detect"
ALIBI_SENTENCE = (
    "alibi-detect is under the Business Source License: no production use without a licence; each "
    "version becomes Apache-2.0 after four years. drift.backend: scipy does without it."
)

_FORBIDDEN = {
    # Many packages under version 1.1 of it call it "BSL 1.1"; BSL-1.0 is the Boost licence.
    "BUSL": re.compile(r"\bBUSL|\bBSL[- ]?v?1\.1|business source licen[sc]e", re.IGNORECASE),
    "AGPL": re.compile(r"\bAGPL|affero", re.IGNORECASE),
    "SSPL": re.compile(r"\bSSPL|server side public", re.IGNORECASE),
    "GPL": re.compile(
        r"\bGPL|(?<!lesser )(?<!library )\bgeneral public licen[sc]e|^GNU GPL", re.IGNORECASE
    ),
}
_LINKING = re.compile(r"\bWITH\s+\S*exception\S*", re.IGNORECASE)
# Words by which the usual licences are known, in whatever form a package names them.
_KNOWN = re.compile(
    r"\b(?:0BSD|Apache|Apache-2\.0|Artistic|BSD|BSL[- ]?1\.0|CC0|CNRI|HPND|Historical Permission|"
    r"ISC|ISCL|LGPL\w*|Lesser General Public|Library General Public|MIT(?:-0)?|MPL|Mozilla Public|"
    r"PSF|Python Software Foundation|Public Domain|Unlicense|Zlib|ZPL)\b|Expat|boost|dual license",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LicenceReport:
    """What the gate says.

    Attributes:
      n_packages: that were looked at.
      refused: licences that may not be there, by package.
      reported: what was asked for and has to be known, one sentence each.
      unknown: packages that declare no licence, or none that is known here.
    """

    n_packages: int
    refused: dict[str, str]
    reported: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is there that may not be."""
        return not self.refused

    @property
    def sentence(self) -> str:
        """Says it in a line, with a list where there is one."""
        if self.refused:
            named = ", ".join(f"{name} ({licence})" for name, licence in self.refused.items())
            return f"licences that may not be in the service: {named}; remove what asks for them"
        said = f"{self.n_packages} packages, none under GPL, AGPL, SSPL or BUSL"
        if self.reported:
            said = f"{self.n_packages} packages; {' '.join(self.reported)}"
        return said + (f"; licence not known of {', '.join(self.unknown)}" if self.unknown else "")

    def to_json(self) -> dict[str, Any]:
        """Returns it with plain types, for reports."""
        return {
            "passed": self.passed,
            "n_packages": self.n_packages,
            "refused": self.refused,
            "reported": list(self.reported),
            "unknown": list(self.unknown),
        }


def judge_licences(packages: Iterable[Package], *, alibi: bool) -> LicenceReport:
    """Judges the licences of the service's packages.

    Args:
      packages: with the licences that they declare.
      alibi: whether alibi-detect was asked for, by ``drift.backend: alibi``.
    """
    looked_at = tuple(packages)
    refused, reported, unknown = {}, [], []
    for package in looked_at:
        found = next(filter(None, map(forbidden_kind, package.licences)), None)
        if found == "BUSL" and alibi and package.name == ALIBI:
            reported.append(ALIBI_SENTENCE)
        elif found is not None:
            refused[package.name] = " AND ".join(package.licences)
        elif not any(map(_KNOWN.search, package.licences)):
            unknown.append(package.name)
    return LicenceReport(len(looked_at), refused, tuple(reported), tuple(unknown))


def forbidden_kind(licence: str) -> str | None:
    """Returns which forbidden licence cannot be avoided under a declared one; None for none.

    The text is an SPDX expression, a classifier or free text: ``GPL-3.0-only OR MIT`` is MIT.
    """
    choices = _split(licence, "OR")
    if len(choices) > 1:
        kinds = [forbidden_kind(each) for each in choices]
        return kinds[0] if all(kinds) else None
    parts = _split(licence, "AND")
    if len(parts) > 1:
        return next(filter(None, map(forbidden_kind, parts)), None)
    alone = licence.strip()
    if alone.startswith("(") and alone.endswith(")"):
        return forbidden_kind(alone[1:-1])
    if _LINKING.search(alone):
        return None
    return next((kind for kind, words in _FORBIDDEN.items() if words.search(alone)), None)


def _split(expression: str, word: str) -> list[str]:
    """Splits at a word that stands outside of all brackets."""
    parts, depth = [""], 0
    for token in re.split(r"(\(|\)|\s+)", expression):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == word and depth == 0:
            parts.append("")
        else:
            parts[-1] += token
    return parts
