"""The page of a passport: what it says, that it is safe, that it can be read and printed."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.self_contained import what_it_loads
from tests.vision.passport.looking import PALE, TOO_WIDE, look
from tests.vision.passport.samples import (
    bare_passport,
    make_comparison,
    whole_passport,
    whole_sources,
)
from vision.comparison.slices import Slice
from vision.passport.describe import as_text, chapters, find_unknown
from vision.passport.make import make_passport
from vision.passport.page import write_page
from vision.passport.parts import ClassPart
from vision.passport.passport import Passport

if TYPE_CHECKING:
    from playwright.sync_api import Browser

EVIL = '"><script>alert(1)</script><b>&amp;'


def evil_passport(folder: Path) -> Passport:
    """Returns a passport with long and hostile names wherever a name can be."""
    name = EVIL + "x" * 300
    slices = tuple(Slice(f"{name}{n}", 10, 0.9, 0.5) for n in range(60))
    sources = replace(
        whole_sources(folder),
        comparison=make_comparison(slices=slices, champion=name),
        training_patch=f"diff --git a/{name} b/{name}\n+{name}\n\x1b[31m$title\n" * 50,
    )
    made = make_passport(sources)
    classes = tuple(
        ClassPart(
            name=f"{name}{n}", n_images=9, recall=0.5, low=0.1, high=0.9, precision=0.5, f1=0.5
        )
        for n in range(60)
    )
    return made.model_copy(
        update={
            "evaluation": made.evaluation.model_copy(update={"classes": classes}),
            "model": made.model.model_copy(
                update={"classes": tuple(each.name for each in classes)}
            ),
            "data": made.data.model_copy(update={"revision": name, "source": "$facts"}),
        }
    )


@pytest.fixture(scope="module")
def passports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Passport]:
    return {
        make.__name__: make(tmp_path_factory.mktemp("passport"))
        for make in (whole_passport, bare_passport, evil_passport)
    }


@pytest.fixture(scope="module")
def pages(passports: dict[str, Passport]) -> dict[str, str]:
    return {name: write_page(passport) for name, passport in passports.items()}


KINDS = ("whole_passport", "bare_passport", "evil_passport")


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<body>")[1]))


@pytest.mark.unit
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_loaded_and_nothing_runs(kind: str, pages: dict[str, str]) -> None:
    page = pages[kind]
    assert what_it_loads(page) == []
    assert "<b>&amp;" not in page
    assert "\x1b" not in page
    assert not re.search(r"\bnan\b", text_of(page), re.IGNORECASE)
    assert len(page) < 1_000_000


@pytest.mark.unit
def test_it_says_everything_in_order(pages: dict[str, str]) -> None:
    page = text_of(pages["whole_passport"])
    order = (
        "Passport of colours 20260101-120000-0badcafe",
        "accuracy 0.9000 0.8256 to 0.9448",
        "Quality Images 100 images of the test split",
        "macro_f1 0.8977 0.8306 to 0.9515 bootstrap",
        "blue 30 0.8333",
        "Against the champion Verdict promote Champion v1",
        "Difference +0.0500 [+0.0100, +0.0900]",
        "Changed images: what is seen, and what it does",
        "Not seen, though fewer answers are right 3 changes",
        "blur 100 100 100 90.0% 90.0% 90.0%",
        "jpeg 3 (quality 10): found in 25% of the windows",
        "Sizes and speed Bundle",
        "Parity largest difference 0 on 3 images, allowed 0.0001",
        "Latency of an image 1.50 ms",
        "Image: size 612.0 MB Image: test passed Image: cold start 4.5 s",
        "Two builds of this bento differ in bento.yaml: creation_time.",
        "memory is not limited here",
        "Model Made 2026-01-01 12:00 UTC",
        "Data Source folder Revision v1.2",
        "Images 70 images (test 10, train 60) Validation property_schema: 1 error, 1 warning",
        "corrupt_images 0 == 0 passed",
        "Code Trained with c0ffee",
        "Trained with: changes in no commit 7 lines of patch",
        "Trained with: changed files 2 files: notes.txt, run.py",
        "Served with c0ffee",
        "Changes in no commit of the code that trained it",
        "+one &lt;line&gt;",
        "Packages Lock service.txt, 2 packages",
        "SBOM CycloneDX 1.5, 4 components",
        "BSD-3-Clause 2",
        "Approval and roll-out Approved by Ann, 2026-01-31 12:00 UTC",
        "Champion since 2026-01-31 12:00 UTC; before: v1",
        "Target local Outcome done Ended 2026-01-31 12:00 UTC Watched for 10 s",
        "127.0.0.1:3000 20260101-120000-0badcafe 0.41 s 1,200 0",
        "roll-out of colours 20260101-120000-0badcafe: done",
    )
    places = [page.find(said) for said in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert "Not known." not in page
    assert pages["whole_passport"].count("<img ") == 2


@pytest.mark.unit
def test_what_is_not_known_is_said_first(pages: dict[str, str]) -> None:
    page = text_of(pages["bare_passport"])
    [unknown] = re.findall(r"Not known\. (.*?)\. ", page)
    assert unknown == (
        "Quality: images; Quality: classes; Quality: gates; Against the champion: comparison; "
        "Changed images: what is seen, and what it does: power of the drift check; "
        "Sizes and speed: latency of an image; Sizes and speed: memory of the graph; "
        "Sizes and speed: bento; Sizes and speed: image; Model: tracking run; "
        "Model: pipeline run; Model: configuration (digest); Data: revision; Data: images; "
        "Data: validation; Code: trained with; Code: trained with: changes in no commit; "
        "Code: served with; Code: served with: changes in no commit; Packages: lock; "
        "Packages: lock (sha256); Packages: sbom; Packages: sbom (sha256); "
        "Packages: licence gate; Approval and roll-out: approvals; "
        "Approval and roll-out: champion; Approval and roll-out: roll-out"
    )
    assert "None" not in page
    assert "<img " not in pages["bare_passport"]


@pytest.mark.unit
def test_terminal_and_page_say_the_same(
    passports: dict[str, Passport], pages: dict[str, str]
) -> None:
    passport = passports["whole_passport"]
    printed = as_text(passport)
    page = html.unescape(text_of(pages["whole_passport"]))
    assert find_unknown(passport) == ()
    for chapter in chapters(passport):
        for fact in (chapter.title, *chapter.sentences, *(v for _, v in chapter.facts)):
            assert fact in printed
            assert fact in page


@pytest.mark.unit
def test_of_many_classes_some_are_shown(pages: dict[str, str]) -> None:
    page = text_of(pages["evil_passport"])
    assert "Of 60 classes the 40 with the lowest recall are shown" in page
    assert "Of 60 classes the 40 with the largest drop are shown" in page


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_read(kind: str, pages: dict[str, str], browser: Browser, tmp_path: Path) -> None:
    assert look(browser, tmp_path, pages[kind]) == []


@pytest.mark.integration
def test_the_browser_finds_what_cannot_be_read(
    pages: dict[str, str], browser: Browser, tmp_path: Path
) -> None:
    """The oracle itself: three planted faults."""
    planted = (
        '<p style="width:5000px">far out</p><p style="color:#888;background:#999">pale</p>'
        "<img src=x onerror=alert(2)>"
    )
    found = look(browser, tmp_path, pages["bare_passport"].replace("</body>", f"{planted}</body>"))
    assert {"P: far out", "P.", "2"} <= set(found)


@pytest.mark.integration
def test_it_prints_on_a4_in_ink_on_white(
    pages: dict[str, str], browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(pages["whole_passport"], encoding="utf-8")
    # A4 without its margins, at 96 dots an inch.
    shown = browser.new_page(viewport={"width": 688, "height": 1000}, color_scheme="dark")
    shown.goto(file.as_uri())
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate(TOO_WIDE) == []
    assert shown.evaluate(PALE) == []
    colours = shown.evaluate(
        "() => [getComputedStyle(document.body).backgroundColor, "
        "getComputedStyle(document.body).color]"
    )
    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    pdf = shown.pdf(prefer_css_page_size=True)
    shown.close()
    [size] = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+ [\d.]+)\]", pdf))
    width, height = map(float, size.split())
    assert (width, height) == pytest.approx((595, 842), abs=1.5)
    assert 2 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 6
