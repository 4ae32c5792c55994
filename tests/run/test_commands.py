"""The subcommands: ``doctor`` and ``stacks``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

import run
import stacks
from stacks.doctor import Check


@pytest.mark.parametrize("all_ok", [True, False])
def test_doctor_prints_every_line_and_ends_1_where_something_is_to_be_mended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], all_ok: bool
) -> None:
    checks = [Check("disk", True, "9 GiB free"), Check("stacks", all_ok, "2 differ", "mend it")]
    monkeypatch.setattr("stacks.doctor.examine", lambda: checks)
    assert run.main(["doctor"]) == (0 if all_ok else 1)
    second = "ok   stacks: 2 differ" if all_ok else "MEND stacks: 2 differ → mend it"
    assert capsys.readouterr().out == f"ok   disk: 9 GiB free\n{second}\n"


@dataclass
class FakeRegistry:
    """Stands for ``stacks.registry``."""

    asked: list[object] = field(default_factory=list)

    def apply(self, names: object = None) -> list[Any]:
        self.asked.append(names)
        return []

    def diff(self) -> list[Any]:
        return [type("Change", (), {"sentence": "create stack 'aws'"})()]

    def waiting(self) -> list[Any]:
        return [type("Change", (), {"sentence": "stack on-prem: waits for the secret storage"})()]

    def list_stacks(self) -> str:
        return "local (active)"


def test_stacks_are_applied_listed_and_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = FakeRegistry()
    monkeypatch.setattr(stacks, "registry", registry, raising=False)
    assert run.main(["stacks", "apply"]) == 0
    assert run.main(["stacks", "apply", "local", "aws"]) == 0
    assert run.main(["stacks", "diff"]) == 0
    assert run.main(["stacks", "list"]) == 0
    assert registry.asked == [None, ("local", "aws")]
    lines = capsys.readouterr().out.splitlines()
    waits = "stack on-prem: waits for the secret storage"
    assert lines == [
        *(waits, "0 changes", waits, "0 changes"),
        *("create stack 'aws'", waits, "1 change", "local (active)"),
    ]
