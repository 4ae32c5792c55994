"""SE-06: known vulnerabilities, with a fake pip-audit. Tests of audit.py and waivers.py."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from steps.packaging.audit import FOUND, NOT_ASKED, PASSED, audit, main
from steps.packaging.containers import Called, PackagingError
from steps.packaging.waivers import Waiver, read_waivers
from vision.home import repository

pytestmark = [pytest.mark.unit, pytest.mark.security]

TODAY = date(2026, 6, 1)
BAD = {
    "name": "urllib3",
    "version": "1.24.1",
    "vulns": [
        {"id": "PYSEC-2019-132", "fix_versions": ["1.24.2"], "aliases": ["CVE-2019-11324"]},
        {"id": "GHSA-1", "fix_versions": [], "aliases": []},
    ],
}
GOOD = {"name": "numpy", "version": "1.26.4", "vulns": []}
SKIPPED = {"name": "ours", "skip_reason": "Dependency not found on PyPI"}
CANARY = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": []}],
}


class FakeAudit:
    """Prints what pip-audit 2.10 prints with ``--format json``."""

    def __init__(self, *entries: object, canary: object = CANARY) -> None:
        self.entries = entries
        self.canary = canary
        self.asked: list[str] = []

    def __call__(self, pins: Path) -> Called:
        self.asked.append(pins.name)
        if pins.name == "canary.txt":
            assert pins.read_text() == "jinja2==2.10\n"
        entries = [self.canary] if pins.name == "canary.txt" else list(self.entries)
        found = any(entry.get("vulns") for entry in entries)  # type: ignore[attr-defined]
        return Called(int(found), json.dumps({"dependencies": entries, "fixes": []}), "a warning")


def waiver(days: int = 0, **changes: str) -> Waiver:
    values = {"id": "PYSEC-2019-132", "package": "urllib3", "reason": "It is never called here."}
    return Waiver.model_validate({**values, **changes, "until": TODAY + timedelta(days=days)})


def run(ask: Callable[[Path], Called], *waivers: Waiver) -> tuple[int, list[str]]:
    return audit([Path("service.txt")], waivers, TODAY, ask)


def test_nothing_is_known() -> None:
    ask = FakeAudit(GOOD)
    assert run(ask) == (PASSED, ["1 packages, 0 vulnerabilities, 0 waived"])
    assert ask.asked == ["canary.txt", "service.txt"]


def test_se06_what_is_known_is_named_with_its_mend() -> None:
    status, lines = run(FakeAudit(GOOD, BAD))
    assert status == FOUND
    assert lines == [
        "urllib3 1.24.1: GHSA-1; no release mends it",
        "urllib3 1.24.1: PYSEC-2019-132, CVE-2019-11324; take 1.24.2",
        "2 packages, 2 vulnerabilities, 0 waived",
    ]


def test_a_waiver_holds_by_any_name_up_to_its_last_day() -> None:
    waivers = (waiver(id="CVE-2019-11324", package="URLLib3"), waiver(days=1, id="GHSA-1"))
    assert run(FakeAudit(BAD), *waivers) == (PASSED, ["1 packages, 0 vulnerabilities, 2 waived"])


def test_a_waiver_is_for_one_package() -> None:
    status, lines = run(FakeAudit(BAD), waiver(package="requests"), waiver(id="GHSA-1"))
    assert status == FOUND
    assert "the waiver of PYSEC-2019-132 is for nothing that was found: remove it" in lines


@pytest.mark.parametrize("entries", [(GOOD,), (BAD,)])
def test_an_expired_waiver_fails(entries: tuple[object, ...]) -> None:
    status, lines = run(FakeAudit(*entries), waiver(days=-1), waiver(id="GHSA-1"))
    assert status == FOUND
    assert lines[0].startswith(
        "the waiver of PYSEC-2019-132 (urllib3) has expired on 2026-05-31: mend the package, or "
    )


@pytest.mark.parametrize(
    "canary",
    [{"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}, {**CANARY, "vulns": []}],
)
def test_an_index_that_knows_nothing_is_no_good_news(canary: object) -> None:
    ask = FakeAudit(GOOD, canary=canary)
    status, lines = run(ask)
    assert status == NOT_ASKED
    assert lines == [
        "nobody could be asked for vulnerabilities: the index knows of none in jinja2==2.10, which "
        "has several; run `make audit` on a machine that reaches pypi.org"
    ]
    assert ask.asked == ["canary.txt"]  # not one package more


@pytest.mark.parametrize(
    ("called", "said"),
    [
        (Called(1, "", "Traceback ...\nConnectionError: no route"), "ConnectionError: no route"),
        (Called(1, "", "No module named pip_audit"), "No module named pip_audit"),
        (Called(0, "{}", ""), "status 0: {}"),
        (Called(0, '{"dependencies": [{"name": "x", "vulns": [{}]}]}', ""), "status 0: "),
        (Called(124, "", ""), "status 124: it said nothing"),
    ],
)
def test_a_call_that_fails_is_no_good_news(called: Called, said: str) -> None:
    status, lines = run(lambda pins: called)
    assert status == NOT_ASKED
    assert "nobody could be asked for vulnerabilities" in lines[0]
    assert said in lines[0]
    assert not any("0 vulnerabilities" in line for line in lines)
    assert run(lambda pins: called, waiver(days=-1))[0] == FOUND


def test_a_package_that_nobody_knows_about_is_no_good_news() -> None:
    status, lines = run(FakeAudit(GOOD, SKIPPED))
    assert status == NOT_ASKED
    assert lines == [
        "not asked about: ours (Dependency not found on PyPI)",
        "1 packages, 0 vulnerabilities, 0 waived",
    ]


def test_the_command_reads_both_locks(capsys: pytest.CaptureFixture[str]) -> None:
    ask = FakeAudit(GOOD)
    assert main([], ask) == PASSED
    assert ask.asked == ["canary.txt", "service.txt", "service-alibi.txt"]
    assert capsys.readouterr().out == "1 packages, 0 vulnerabilities, 0 waived\n"


def test_the_waivers_of_the_project_hold() -> None:
    for each in read_waivers(repository() / "ops/audit-waivers.yaml"):
        assert not each.is_expired(datetime.now(UTC).date()), each


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file: "),
        ("waivers:\n  - {id: X, package: y, reason: it is fine so}\n", "waivers.0.until: "),
        ("waivers:\n  - {id: X, package: y, reason: '', until: 2026-01-01}\n", "waivers.0.reason"),
        (
            "waivers:\n  - {id: X, package: y, reason: it is fine, until: never}\n",
            "waivers.0.until",
        ),
        ("waiver: []\n", "waivers: Field required"),
        ("waivers: [", "cannot be read"),
    ],
)
def test_waivers_that_are_none_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "waivers.yaml").write_text(text)
    with pytest.raises(PackagingError, match=r"waivers\.yaml") as caught:
        read_waivers(tmp_path / "waivers.yaml")
    assert said in str(caught.value)
    assert main(["--waivers", str(tmp_path / "waivers.yaml")], FakeAudit(GOOD)) == NOT_ASKED


@pytest.mark.parametrize(("status", "of_make"), [(PASSED, 0), (FOUND, 2), (NOT_ASKED, 2)])
def test_make_knows_0_and_not_0_as_the_page_says(status: int, of_make: int, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/called\nexit {status}\n')
    program.chmod(0o755)
    # What setup makes is taken for new.
    words = ["make", "--silent", "--old-file", ".venv/.ready", "audit", f"BIN={tmp_path}"]
    # These tests may run under make themselves.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(words, cwd=repository(), env=kept, capture_output=True, check=False)
    assert done.returncode == of_make
    assert (tmp_path / "called").read_text() == "-m steps.packaging.audit\n"
    page = (repository() / "docs" / "trust.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if line.startswith(f"| {status} |")]
    assert f"`make audit`{' ends with 0' if status == PASSED else ': 2'}" in row
