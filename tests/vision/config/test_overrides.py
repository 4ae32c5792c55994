"""``--set``: values that are YAML, and values that only a person would read."""

from __future__ import annotations

import pytest

from vision.config.document import Node, Place
from vision.config.overrides import apply_overrides


def lay(override: str) -> tuple[object, list[str]]:
    root, problems = apply_overrides(Node({}, Place("job.yaml", 1)), [override])
    return root.plain(), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("> 0", "> 0"),
        (">=0.05", ">=0.05"),
        ("it's > 0", "it's > 0"),
        ("@home", "@home"),
        ("*", "*"),
        ("a: b: c", "a: b: c"),
        ("5", 5),
        ("[1, 2]", [1, 2]),
        ("{a: '> 0'}", {"a": "> 0"}),
    ],
)
def test_what_is_no_yaml_is_text(text: str, value: object) -> None:
    assert lay(f"key={text}") == ({"key": value}, [])


@pytest.mark.parametrize("text", ["{a: 1", "[1, 2", "'a", '"a'])
def test_what_was_meant_as_yaml_is_told_what_is_wrong(text: str) -> None:
    root, problems = lay(f"key={text}")
    assert root == {}
    assert len(problems) == 1
    assert problems[0].startswith("--set: key: bad YAML: ")


def test_variables_are_filled_in_also_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOST", "3")
    assert lay("key=> ${MOST}") == ({"key": "> 3"}, [])
