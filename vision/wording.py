"""Numbers and names in sentences."""

from __future__ import annotations


def count(n: int, noun: str) -> str:
    """Returns a number with its noun: ``1 image``, ``1,234 images``, ``2 classes``."""
    if n == 1:
        return f"1 {noun}"
    return f"{n:,} {noun}{'es' if noun.endswith('s') else 's'}"


def one_line(text: str) -> str:
    """Returns text with what would break or reorder its line written as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
