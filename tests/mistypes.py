"""The ways in which a key is mistyped: what a hand on a keyboard does to a word."""

from __future__ import annotations

from collections.abc import Iterator


def mistypes(word: str) -> Iterator[str]:
    """Yields the word with a typical mistake each; never the word itself."""
    middle = len(word) // 2
    wrong = {
        word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :],  # swapped
        word[:middle] + word[middle + 1 :],  # left out
        word[:-1],  # cut short
        word[:middle] + word[middle] + word[middle:],  # doubled
        word[:middle] + "q" + word[middle + 1 :],  # another letter
        word + "x",
        "x" + word,
        word + "s",
        word + "_typo",
        word.replace("_", "-"),
        word.replace("_", ""),
        word.upper(),
        word.capitalize(),
    }
    yield from sorted(wrong - {word})
