"""What a passport shows of the changes that are in no commit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.vision.passport.samples import whole_sources
from vision.passport.describe import as_text, find_unknown
from vision.passport.make import make_passport
from vision.passport.page import write_page

pytestmark = pytest.mark.unit


def test_why_changes_are_not_known_is_said(tmp_path: Path) -> None:
    sources = replace(
        whole_sources(tmp_path), training_patch=None, no_training_patch="It <had> no tracking run."
    )
    passport = make_passport(sources)
    page = write_page(passport)
    assert "Trained with: It &lt;had&gt; no tracking run." in page
    assert "some; which ones is not known" in page
    assert "Changes in no commit of the code" not in page
    assert "Trained with: It <had> no tracking run." in as_text(passport)
    assert find_unknown(passport) == ("Code: trained with: changes in no commit",)


def test_a_long_patch_is_cut_in_json_and_on_the_page(tmp_path: Path) -> None:
    patch = "diff --git a/a.py b/a.py\n" + "+<\n" * 100_000 + "diff --git a/z.py b/z.py\n"
    passport = make_passport(replace(whole_sources(tmp_path), training_patch=patch))
    assert passport.trained_with.patch == patch[:200_000]
    assert passport.trained_with.files == ("a.py", "z.py")
    page = write_page(passport)
    said = "Trained with: Of 300,050 bytes of patch the first 200,000 are kept."
    assert said in page
    assert said in as_text(passport)
    assert page.count("+&lt;\n") == (200_000 - 25) // 3
    assert "z.py b/z.py" not in page
