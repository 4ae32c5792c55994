"""Numbers in sentences."""

from __future__ import annotations

import pytest

from vision.wording import count

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
