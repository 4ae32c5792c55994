"""docs/passport.md names the chapters and files that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.vision.passport.samples import bare_passport
from vision.home import repository
from vision.passport.describe import chapters
from vision.passport.store import FOLDER

pytestmark = pytest.mark.unit

TEXT = (repository() / "docs" / "passport.md").read_text(encoding="utf-8")


def test_every_chapter_is_explained_in_its_order(tmp_path: Path) -> None:
    table = TEXT.split("## What it says")[1].split("\n\n")[1]
    explained = re.findall(r"^\| (\w[^|]*?) \|", table, re.MULTILINE)[1:]
    titles = [chapter.title.partition(":")[0] for chapter in chapters(bare_passport(tmp_path))]
    assert explained == titles


def test_the_example_counts_right() -> None:
    example = TEXT.split("better and `-` worse:\n\n```\n")[1].split("```")[0]
    lines = [line for line in example.splitlines() if line[:2] in ("+ ", "- ", "  ")]
    assert f"{len(lines)} differences" in example


def test_it_names_the_files() -> None:
    for suffix in ("html", "json", "cdx"):
        assert f"`{FOLDER}/<model>/<version>.{suffix}`" in TEXT
