"""Several changes of one image are all told."""

from __future__ import annotations

from pathlib import Path

from tests.vision.datasets.test_diff import BASE, compare, found
from vision.datasets.diff import compare_tables
from vision.datasets.table import AnnotationTable


def test_a_change_of_bytes_hides_no_other_change() -> None:
    before = [("a.png", "1", "cat", "train"), ("b.png", "2", "cat", "train")]
    after = [("a.png", "1 new", "dog", "test"), ("b.png", "2", "cat", "train")]
    diff = compare(
        [*before, ("c.png", "3", "dog", "test")], [*after, ("c.png", "3", "dog", "test")]
    )
    assert found(diff) == {"changed": 1, "relabelled": 1, "moved": 1}
    assert diff.summary() == (
        "3 images before, 3 after\n"
        "1 image with other bytes under the same path\n"
        "  a.png\n"
        "1 image with another label\n"
        "  a.png: cat -> dog\n"
        "1 image in another split\n"
        "  a.png: train -> test"
    )


def test_another_group_is_told() -> None:
    facts = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9, "label": "cat", "split": "train"}
    before, after = (
        AnnotationTable.from_rows(
            Path("/data"),
            [
                {"path": f"{n}.png", "sha256": content, "group": group, **facts}
                for n, (content, group) in enumerate(zip(contents, groups, strict=True))
            ],
        )
        for contents, groups in (("abc", ("p1", "", "p2")), ("abd", ("p1", "p1", "")))
    )
    diff = compare_tables(before, after)
    assert found(diff) == {"changed": 1, "regrouped": 2}
    assert diff.summary().endswith(
        "2 images in another group\n  1.png: none -> p1\n  2.png: p2 -> none"
    )
    frame = diff.frame()
    assert frame.loc[
        frame["kind"] == "regrouped", ["group_before", "group"]
    ].to_numpy().tolist() == [
        ["", "p1"],
        ["p2", ""],
    ]


def test_a_name_of_two_lines_stays_on_one() -> None:
    assert (
        compare(BASE, [*BASE, ("a\nb", "9", "cat", "train")])
        .summary()
        .endswith("1 image added\n  a\\nb (cat, train)")
    )
