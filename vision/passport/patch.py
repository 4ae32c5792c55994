"""The changes of a work tree that are in no commit, as a passport keeps them."""

from __future__ import annotations

import re

MOST_BYTES = 200_000

_UNTRACKED = re.compile(r"# not tracked: (.+)")
_HEADER = "diff --git "
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"$')
_PREFIX = re.compile(r"[a-z]/")


def changed_files(patch: str) -> tuple[str, ...]:
    """Returns the files that a patch is about, those that git does not track first.

    Args:
      patch: as :class:`vision.provenance.CodeVersion` has it.
    """
    names = []
    # Lines of a file's content begin with a space, a plus or a minus, and end with this one only.
    for line in patch.split("\n"):
        if found := _UNTRACKED.fullmatch(line):
            names.append(found[1])
        elif line.startswith(_HEADER):
            names.append(_name(line.removeprefix(_HEADER)))
    return tuple(dict.fromkeys(names))


def cut_patch(patch: str) -> tuple[str, str | None]:
    """Returns the first 200 kB of a patch, and the sentence that says so where that is not all."""
    content = patch.encode()
    if len(content) <= MOST_BYTES:
        return patch, None
    kept = content[:MOST_BYTES].decode(errors="ignore")
    return kept, f"Of {len(content):,} bytes of patch the first {MOST_BYTES:,} are kept."


def _name(pair: str) -> str:
    """Returns the name after the change, of a header such as ``a/run.py b/run.py``."""
    if quoted := _QUOTED.search(pair):
        return _PREFIX.sub("", quoted[1], count=1)
    # Both names are the same but where a file was renamed; a name may have spaces.
    half = len(pair) // 2
    before, between, after = pair[:half], pair[half : half + 1], pair[half + 1 :]
    if between == " " and before == after:  # a git that was told to write no prefix
        return after
    if between != " " or before[1:] != after[1:]:
        after = re.split(r" (?=[a-z]/)", pair)[-1]
    return _PREFIX.sub("", after, count=1)
