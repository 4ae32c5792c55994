"""The small pages of the dashboard."""

from __future__ import annotations

import pytest

from materializers import pages

pytestmark = pytest.mark.unit


def test_a_column_of_numbers_is_aligned_right_with_its_header() -> None:
    shown = pages.table(("class", "images", "score"), [("cat", 1234, 0.5), ("dog", 7, None)])
    assert '<th>class</th><th class="number">images</th><th class="number">score</th>' in shown
    assert '<td>cat</td><td class="number">1,234</td><td class="number">0.5</td>' in shown
    assert '<td>dog</td><td class="number">7</td><td class="number">–</td>' in shown


def test_a_column_of_facts_is_aligned_left() -> None:
    shown = pages.table(("", ""), [("digest", "97bb"), ("classes", 10), ("dirty", True)])
    assert "number" not in shown
    assert "<td>10</td>" in shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (54_590.4, "54,590"), (float("nan"), "–"), (True, "True")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert f">{text}</td>" in pages.table(("x",), [(value,)])


def test_nothing_from_data_is_read_as_html() -> None:
    shown = pages.table(("<b>",), [("<script>",)])
    assert "<th>&lt;b&gt;</th>" in shown
    assert "<td>&lt;script&gt;</td>" in shown


def test_an_empty_table_has_its_header() -> None:
    assert pages.table(("a", "b"), []).count("<th>") == 2


def test_verdicts_are_coloured() -> None:
    shown = pages.table(("gate", "result"), [("accuracy", "failed")])
    assert '<td class="failed">failed</td>' in shown
