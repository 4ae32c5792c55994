"""Stands for kubectl and the Deployment behind it, which counts its revisions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

_SCRIPT = """#!/bin/sh
cd {folder}
echo "$*" >> calls
planted() {{ grep -qsx "$1" faults && {{ echo "planted: $1" >&2; exit 3; }}; return 0; }}
case "$*" in
  *" get "*)
    planted get
    # The controller takes a change up some time after it was applied.
    [ -f late ] && {{ cat state; mv late state; exit; }}
    cat state 2> /dev/null || true ;;
  apply*)
    planted apply
    read wanted _ revision < state 2> /dev/null || {{ wanted=0; revision=0; }}
    new="$((wanted + 1)) $((wanted + 1)) $((revision + 1))"
    if grep -qsx late faults; then
      printf '%s' "$new" > late; printf '%s' "$((wanted + 1)) $wanted $revision" > state
    else printf '%s' "$new" > state; fi
    planted apply-answer ;;
  *"rollout status"*)
    if [ -f undone ]; then planted status-after-undo; else planted status; fi ;;
  *"rollout undo"*) planted undo; touch undone ;;
esac
"""


@dataclass(frozen=True)
class FakeCluster:
    """A cluster in a folder.

    Attributes:
      folder: of the program and what it keeps.
    """

    folder: Path

    def plant(self, *faults: str) -> None:
        """Makes calls fail: get, apply, status, undo, status-after-undo.

        apply-answer is applied all the same, late is taken up later.
        """
        (self.folder / "faults").write_text("".join(f"{each}\n" for each in faults))

    def runs(self, revision: int) -> None:
        """Has a Deployment of this revision."""
        (self.folder / "state").write_text(f"{revision} {revision} {revision}")

    def calls(self) -> list[str]:
        """Returns how kubectl was called, without what it was asked to print."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line.partition(" --output")[0] for line in lines]


def fake_cluster(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Puts the program first on the path; nothing runs yet."""
    folder.mkdir()
    program = folder / "kubectl"
    program.write_text(_SCRIPT.format(folder=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return FakeCluster(folder)
