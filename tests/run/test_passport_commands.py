"""``run.py passport``: what a person sees."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import run
from tests.vision.passport.samples import make_evaluation, whole_passport, whole_sources
from vision.home import repository
from vision.passport.make import make_passport
from vision.passport.store import write_passport

pytestmark = pytest.mark.unit


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    one = whole_passport(tmp_path / "one")
    better = make_evaluation(((40, 0, 0), (0, 30, 0), (1, 0, 29)))
    two = make_passport(replace(whole_sources(tmp_path / "two"), evaluation=better))
    two = two.model_copy(
        update={"version": "v2", "data": two.data.model_copy(update={"revision": "v\x1b[31m2"})}
    )
    write_passport(one, "<html>")
    write_passport(two, "<html>")
    return one.version, two.version


def test_show_prints_the_passport_and_where_its_page_is(
    versions: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["passport", "show", versions[0]]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"colours {versions[0]}\n\nQuality\n  Images  100 images of the test")
    assert "  accuracy        0.9000     0.8256 to 0.9448  wilson\n" in printed
    assert printed.endswith(f"/passports/colours/{versions[0]}.html\n")


def test_diff_says_what_is_better(
    versions: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, two = versions
    path = tmp_path / "home" / "passports" / "colours" / f"{two}.json"
    assert run.main(["passport", "diff", one, str(path)]) == 0
    assert capsys.readouterr().out == (
        f"colours {one} -> colours v2\n\n"
        "Quality\n"
        "+ accuracy rises from 0.9000 to 0.9900; the intervals do not overlap\n"
        "+ macro_f1 rises from 0.8977 to 0.9902; the intervals do not overlap\n"
        "  recall of 3 classes differs by what may be chance\n\n"
        "Data\n"
        "  the revision was v1.2, and is v\\x1b[31m2\n\n"
        "4 differences\n"
    )


def test_the_same_does_not_differ(
    versions: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["passport", "diff", versions[0], versions[0]]) == 0
    assert capsys.readouterr().out.endswith("\n0 differences\n")


def test_an_unknown_version_fails(
    versions: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["passport", "show", "v7"]) == 1
    assert "error: no passport of v7 in" in capsys.readouterr().err
    assert run.main(["passport", "diff", versions[0]]) == 2


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipelines.passport_commands as p\n"
        "print([m for m in ('numpy', 'pydantic', 'zenml', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository(),
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
