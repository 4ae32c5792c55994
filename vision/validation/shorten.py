"""Names and notes of bounded length, for pages."""

from __future__ import annotations

MOST_CHARACTERS = 160


def shorten(text: str, most: int = MOST_CHARACTERS) -> str:
    """Returns the text, or its two ends around an ellipsis where it has more characters.

    >>> shorten("cat/0001-a-very-long-name.png", 15)
    'cat/000…ame.png'
    """
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[len(text) - tail :]}"
