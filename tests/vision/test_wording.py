"""Numbers in sentences."""

from __future__ import annotations

import pytest

from vision.wording import count, one_line

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("n", "noun", "said"),
    [
        (0, "image", "0 images"),
        (1, "image", "1 image"),
        (1234, "image", "1,234 images"),
        (1, "class", "1 class"),
        (2, "class", "2 classes"),
    ],
)
def test_count(n: int, noun: str, said: str) -> None:
    assert count(n, noun) == said


def test_one_line() -> None:
    assert one_line("Käse 1.png") == "Käse 1.png"
    assert one_line("a\nb\r\tc\u2028d\u202ee\x1b") == r"a\nb\r\tc\u2028d\u202ee\x1b"
