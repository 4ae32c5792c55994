"""The valid name that a mistyped one most likely stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import SequenceMatcher


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Returns the candidate that takes the fewest edits to reach, or None without candidates.

    Case, and ``-`` or a space for ``_``, cost nothing. Candidates equally far are ordered by how
    much text they share with the word, then as given.

    >>> nearest("learning-rat", ["epochs", "learning_rate"])
    'learning_rate'
    """
    edits = {candidate: distance(word, candidate) for candidate in candidates}
    fewest = [candidate for candidate, n_edits in edits.items() if n_edits == min(edits.values())]
    return max(fewest, key=lambda candidate: _shared(word, candidate), default=None)


def is_close(word: str, candidate: str) -> bool:
    """Whether the candidate is near enough to be taken for what was meant (a third may differ)."""
    return distance(word, candidate) <= max(1, len(candidate) // 3)


def did_you_mean(word: str, candidates: Collection[str]) -> str:
    """Returns what to say about a name that is none of the candidates: a guess, or all of them.

    >>> did_you_mean("locl", ["aws", "local"]), did_you_mean("nope", ["aws", "local"])
    ("did you mean 'local'?", 'known: aws, local')
    """
    guess = nearest(word, candidates)
    if guess is not None and is_close(word, guess):
        return f"did you mean {guess!r}?"
    return f"known: {', '.join(candidates) or 'none'}"


def distance(first: str, second: str) -> int:
    """Returns how many characters to insert, drop, replace or swap with a neighbour.

    This is the optimal string alignment distance: a swap counts as one edit, since swapped
    neighbours are the most frequent typing mistake after a single wrong key.
    """
    a, b = _folded(first), _folded(second)
    before_last: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        before_last, last = last, row
    return last[-1]


def _folded(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _shared(first: str, second: str) -> float:
    return SequenceMatcher(None, _folded(first), _folded(second), autojunk=False).ratio()
