"""``python -m steps.packaging.audit``: known vulnerabilities of the service's packages.

pip-audit asks the package index about every pin of requirements/service*.txt. Exit status: 0
nothing is known that is not waived; 1 something is, or a waiver of ops/audit-waivers.yaml has
expired; 2 nobody could be asked, or not about every package. ``make audit`` ends
with 2 for 1 as well, as make does whatever fails.

An index that answers without knowing of vulnerabilities looks like one where all is well. So a
package that is known to be vulnerable is asked about first: where nothing is known of that, either,
the answer is worth nothing, and no count of findings is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from steps.packaging.containers import Called, PackagingError, call
from steps.packaging.waivers import Waiver, read_waivers
from vision.environment import prepare
from vision.errors import VisionError
from vision.home import repository

PASSED, FOUND, NOT_ASKED = 0, 1, 2
LOCKS = ("requirements/service.txt", "requirements/service-alibi.txt")
WAIVERS = "ops/audit-waivers.yaml"

# CVE-2019-10906 and five more: https://osv.dev/list?q=jinja2.
_CANARY = "jinja2==2.10"
_WITHIN_S = 900.0
_TAIL_CHARS = 400

Auditor = Callable[[Path], Called]


@dataclass(frozen=True)
class Finding:
    """A known vulnerability.

    Attributes:
      package: its name.
      version: that is locked.
      ids: by which it is known, pip-audit's own first.
      mended_in: versions without it.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    mended_in: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Names it, and what to do."""
        move = f"take {' or '.join(self.mended_in)}" if self.mended_in else "no release mends it"
        return f"{self.package} {self.version}: {', '.join(self.ids)}; {move}"

    def is_waived_by(self, waiver: Waiver) -> bool:
        """Tells whether a waiver is about it."""
        is_package = canonicalize_name(waiver.package) == canonicalize_name(self.package)
        return is_package and waiver.id in self.ids


@dataclass(frozen=True)
class Answer:
    """What pip-audit says about some packages.

    Attributes:
      n_asked: packages that the index knows.
      findings: what is known.
      not_asked: packages that it knows nothing about, and why.
    """

    n_asked: int
    findings: tuple[Finding, ...]
    not_asked: tuple[str, ...]


def main(arguments: Sequence[str] | None = None, ask: Auditor | None = None) -> int:
    """Audits the locks, prints what there is to know, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m steps.packaging.audit", description=__doc__)
    parser.add_argument("locks", nargs="*", type=Path, help=f"default: {' '.join(LOCKS)}")
    parser.add_argument("--waivers", type=Path, default=repository() / WAIVERS)
    options = parser.parse_args(arguments)
    locks = options.locks or [repository() / name for name in LOCKS]
    try:
        waivers = read_waivers(options.waivers)
        status, lines = audit(locks, waivers, datetime.now(UTC).date(), ask or _pip_audit)
    except VisionError as error:
        status, lines = NOT_ASKED, [str(error)]
    print("\n".join(lines))
    return status


def audit(
    locks: Sequence[Path], waivers: Sequence[Waiver], today: date, ask: Auditor
) -> tuple[int, list[str]]:
    """Returns the exit status and what to print.

    Args:
      locks: files of pins with hashes.
      waivers: what is put up with.
      today: by which waivers expire.
      ask: calls pip-audit for a file of pins.
    """
    expired = [
        f"the waiver of {each.id} ({each.package}) has expired on {each.until}: mend the package, "
        "or give the waiver a new reason and day"
        for each in waivers
        if each.is_expired(today)
    ]
    try:
        _check_canary(ask)
        answers = [_read(ask(lock)) for lock in locks]
    except PackagingError as error:
        return (FOUND if expired else NOT_ASKED), [*expired, str(error)]
    findings = sorted({each for answer in answers for each in answer.findings}, key=str)
    not_asked = sorted({each for answer in answers for each in answer.not_asked})
    open_ = [each for each in findings if not any(map(each.is_waived_by, waivers))]
    unused = [each.id for each in waivers if not any(f.is_waived_by(each) for f in findings)]
    lines = [*expired, *(each.sentence for each in open_)]
    lines += [f"not asked about: {each}" for each in not_asked]
    lines += [f"the waiver of {each} is for nothing that was found: remove it" for each in unused]
    lines.append(
        f"{max(answer.n_asked for answer in answers)} packages, {len(open_)} vulnerabilities, "
        f"{len(findings) - len(open_)} waived"
    )
    if expired or open_:
        return FOUND, lines
    return (NOT_ASKED if not_asked else PASSED), lines


def _check_canary(ask: Auditor) -> None:
    with tempfile.TemporaryDirectory(prefix="visionstack-audit-") as folder:
        pins = Path(folder) / "canary.txt"
        pins.write_text(f"{_CANARY}\n", encoding="utf-8")
        if not _read(ask(pins)).findings:
            raise PackagingError(
                f"nobody could be asked for vulnerabilities: the index knows of none in {_CANARY}, "
                "which has several; run `make audit` on a machine that reaches pypi.org"
            )


def _read(called: Called) -> Answer:
    """Reads what pip-audit printed; its status is 1 where it found something."""
    try:
        entries = json.loads(called.output)["dependencies"]
        findings = [
            Finding(
                entry["name"],
                entry["version"],
                (each["id"], *each["aliases"]),
                tuple(each["fix_versions"]),
            )
            for entry in entries
            for each in entry.get("vulns", ())
        ]
        skipped = [
            f"{each['name']} ({each['skip_reason']})" for each in entries if "vulns" not in each
        ]
    except (KeyError, TypeError, ValueError) as error:
        said = (called.tail or called.output).strip().splitlines() or ["nothing was said"]
        raise PackagingError(
            "nobody could be asked for vulnerabilities: pip-audit failed with status "
            f"{called.code}: {said[-1][-_TAIL_CHARS:]}"
        ) from error
    return Answer(len(entries) - len(skipped), tuple(findings), tuple(skipped))


def _pip_audit(pins: Path) -> Called:
    words = ["-m", "pip_audit", "--requirement", str(pins), "--disable-pip", "--no-deps"]
    return call(
        [sys.executable, *words, "--format", "json", "--progress-spinner", "off"], _WITHIN_S
    )


if __name__ == "__main__":
    prepare()
    sys.exit(main())
