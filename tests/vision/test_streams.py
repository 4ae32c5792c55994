"""Streams whose reader leaves, as ``| head`` does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vision.home import repository

WRITES_TO = """
import sys
from vision.streams import outlive_readers
{guard}
sys.stdin.readline()
for number in range(3):
    print("a line", number)
    print("a line", number, file=sys.stderr)
sys.exit(7)
"""


def ended(guard: str, closed: str) -> tuple[int, str]:
    """Runs the script with one of its streams closed by the reader; what the other one got."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES_TO.format(guard=guard)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=repository(),
        env=dict(os.environ),
    )
    gone, other = process.stdout, process.stderr
    if closed == "stderr":
        gone, other = other, gone
    assert process.stdin is not None
    assert gone is not None
    assert other is not None
    gone.close()
    process.stdin.write("\n")
    process.stdin.close()
    told = other.read()
    other.close()
    return process.wait(timeout=30), told


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_the_work_goes_on_and_the_other_stream_is_whole(closed: str) -> None:
    code, told = ended("outlive_readers()", closed)
    assert code == 7
    assert told == "a line 0\na line 1\na line 2\n"


def test_without_it_the_work_would_end() -> None:
    code, _ = ended("", "stderr")
    assert code != 7
