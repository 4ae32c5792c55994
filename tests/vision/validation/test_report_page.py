"""The validation page: order, thumbnails, gates, and nothing that needs a network."""

from __future__ import annotations

import html
import re

from tests.self_contained import what_it_loads
from vision.validation.report import Finding, Gate
from vision.validation.report_page import MAX_PATHS, MAX_THUMBNAILS, Page, render_page

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
SECTION = '<html><body><script>alert("x & y")</script></body></html>'


def page(*findings: Finding, gates: tuple[Gate, ...] = (), section: str = "") -> Page:
    return Page(
        validator="fake",
        n_images={"train": 1200, "test": 1},
        n_classes=2,
        findings=findings,
        gates=gates,
        section=section,
    )


def found(n_images: int = 0, **changes: object) -> Finding:
    values = {
        "check": "corrupt_images",
        "severity": "error",
        "message": "files that are no images",
        "images": tuple(f"cat/{i:04d}.png" for i in range(n_images)),
        "value": float(n_images),
    }
    return Finding.model_validate(values | changes)


def test_findings_come_before_gates_before_what_passed_before_the_section() -> None:
    gate = Gate(name="corrupt_images", passed=False, value=1.0, rule="<= 0")
    fine = found(check="label_drift", severity="info", message="shares differ by 0.01")
    text = render_page(page(found(1), fine, gates=(gate,), section=SECTION))
    order = ["Stopped: corrupt_images = 1, required &lt;= 0", "files that are no images",
             "<h2>Gates</h2>", "shares differ by 0.01", "<iframe"]  # fmt: skip
    assert [text.index(part) for part in order] == sorted(text.index(part) for part in order)
    assert "1,201 images (train 1,200, test 1), 2 classes; data validator fake" in text


def test_the_verdict_counts_what_does_not_stop() -> None:
    assert "Not stopped: 1 error, 0 warnings" in render_page(page(found(1)))
    assert "Nothing to worry about" in render_page(page(found(severity="info")))
    assert "names no <code>validation.fail_on</code> condition" in render_page(page())


def test_files_that_are_only_noted_are_still_listed() -> None:
    noted = found(1, check="hidden_files", severity="info", images=("cat/.DS_Store",))
    text = render_page(page(noted))
    assert "cat/.DS_Store" in text[: text.index("<h2>Gates</h2>")]
    assert "Within limits" not in text


def test_at_most_24_thumbnails_then_paths_then_a_count() -> None:
    asked: list[str] = []

    def thumbnail(path: str) -> bytes:
        asked.append(path)
        return PNG

    text = render_page(page(found(MAX_THUMBNAILS + MAX_PATHS + 5)), thumbnail)
    assert len(asked) == text.count("<img ") == MAX_THUMBNAILS
    assert text.count("<li>") == MAX_PATHS
    assert "205 more images" in text
    assert "and 5 more, named in findings.parquet of the report artifact" in text


def test_a_picture_is_made_once_and_may_be_missing() -> None:
    asked: list[str] = []

    def thumbnail(path: str) -> bytes | None:
        asked.append(path)
        return None if path.endswith("0.png") else PNG

    text = render_page(page(found(2), found(2, check="duplicates_across_splits")), thumbnail)
    assert asked == ["cat/0000.png", "cat/0001.png"]
    assert text.count("no picture") == 2
    assert text.count("data:image/png;base64,") == 2


def test_thumbnails_stop_before_the_page_is_too_large() -> None:
    findings = [found(24, check=f"check_{i}", images=tuple(f"{i}/{j}" for j in range(24)))
                for i in range(20)]  # fmt: skip
    text = render_page(page(*findings), lambda path: PNG[:8] + b"0" * 20_000)
    assert 2_400_000 < len(text) < 2_600_000
    assert "no picture" in text


def test_names_are_escaped_and_the_section_is_caged() -> None:
    hostile = found(1, images=("<b>\"x'.png",), message="a <script> & more")
    text = render_page(page(hostile, section=SECTION))
    assert "<b>" not in text
    assert "<script" not in text
    assert "a &lt;script&gt; &amp; more" in text
    frame = re.search(r'<iframe sandbox="([^"]*)"[^>]*srcdoc="([^"]*)"', text)
    assert frame is not None
    assert frame.group(1) == "allow-scripts allow-popups"
    assert html.unescape(frame.group(2)) == SECTION


def test_the_page_is_light_and_asks_for_nothing() -> None:
    text = render_page(page(found(2)), lambda path: PNG)
    assert '<meta name="color-scheme" content="light">' in text
    assert what_it_loads(text) == []


def test_notes_stand_under_each_picture_and_in_the_list() -> None:
    n = MAX_THUMBNAILS + 2
    noted = found(n, notes=tuple(f"like <{i}>" for i in range(n)))
    text = render_page(page(noted), lambda path: PNG)
    assert 'title="cat/0000.png">cat/0000.png</span><div class="note">like &lt;0&gt;</div>' in text
    assert '<li>cat/0025.png <span class="note">like &lt;25&gt;</span></li>' in text
    assert 'content: "\\2013 \\00a0"' in text  # a dash and a space, as CSS writes them
    assert not [each for each in text if not each.isprintable() and each != "\n"]
    assert "<0>" not in text
    assert text.count('class="note"') == n


def test_fewer_notes_than_images_are_those_of_the_first() -> None:
    text = render_page(page(found(3, notes=("first",))))
    assert text.count('class="note"') == 1
    assert text.count("<figure>") == 3


def test_a_page_of_long_names_and_a_huge_section_stays_below_10_mb() -> None:
    names = tuple(f"{i:05d}" + "&" * 4000 for i in range(60_000))
    notes = ("'" * 4000,) * 60_000
    findings = [
        found(images=names, notes=notes, check=f"check_{i}", message='"' * 100_000)
        for i in range(35)
    ]
    text = render_page(page(*findings, section="<p>" + "x" * 6_400_000), lambda path: b"0" * 20_000)
    assert 7_000_000 < len(text.encode()) < 10_000_000
    assert "more, named in findings.parquet of the report artifact" in text
    larger = render_page(page(section="<p>" + "x" * 6_600_000))
    assert len(larger) < 10_000
    assert "Left out: its 6.6 MB would make this page larger than 10 MB." in larger
