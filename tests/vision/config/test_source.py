"""What can be wrong with the text of a configuration, and how its values are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from vision.config.document import Node
from vision.config.source import read_file, read_scalar


def read(folder: Path, text: str | bytes) -> tuple[Node, list[str]]:
    path = folder / "job.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    root, problems = read_file(path)
    return root, [str(problem).replace(str(path), "job.yaml") for problem in problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "job.yaml:1: the file is empty; it needs pipeline, model and dataset"),
        ("# only\n", "job.yaml:1: the file is empty; it needs pipeline, model and dataset"),
        ("- a\n- b\n", "job.yaml:1: must be a mapping of sections"),
        ("just text\n", "job.yaml:1: must be a mapping of sections"),
        ("a: 1\nmodel:\n\tname: x\n", "job.yaml:3: tab in the indentation; use spaces"),
        ("a: 1\nb: [1, 2\n", "job.yaml:3: bad YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n---\nb: 2\n", "job.yaml:2: bad YAML: but found another document"),
        ("a: 1\nb: 2\na: 3\n", "job.yaml:3: a = 3: given twice, first on line 1; keep one"),
        ("a: {b: 1, b: 2}\n", "job.yaml:1: a.b = 2: given twice, first on line 1; keep one"),
        ("a: &x 1\nb: *x\n", "job.yaml:2: b: aliases are not supported; write the value out"),
        ("a: &x [*x]\n", "job.yaml:1: a[0]: aliases are not supported; write the value out"),
        ("a: 1\nb: !!python/none\n", "job.yaml:2: b: the tag tag:yaml.org,2002:python/none"),
        ("? [a]\n: 1\n", "job.yaml:1: a key must be a plain word"),
        (b"a: \xff\n", "job.yaml:1: not UTF-8 text (byte 3)"),
        ("a: \x07\n", "job.yaml:1: bad YAML: special characters are not allowed"),
    ],
)
def test_bad_text_is_refused_with_its_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    _, problems = read(tmp_path, text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").touch()
    (tmp_path / "evaluate.yaml").touch()
    _, (problem,) = read_file(tmp_path / "trian.yaml")
    assert str(problem) == (
        f"{tmp_path / 'trian.yaml'}: cannot be read: No such file or directory; "
        f"did you mean {str(tmp_path / 'train.yaml')!r}?"
    )
    _, (problem,) = read_file(tmp_path)
    assert str(problem) == f"{tmp_path}: cannot be read: Is a directory"


def test_every_node_knows_its_line_and_path(tmp_path: Path) -> None:
    root, problems = read(tmp_path, "\ufeff# head\na:\n  b: [x,\n      y]\n  c: {d: 1}\n")
    assert problems == []
    assert root.plain() == {"a": {"b": ["x", "y"], "c": {"d": 1}}}
    places = {("a",): 2, ("a", "b"): 3, ("a", "b", 1): 4, ("a", "c", "d"): 5}
    for path, line in places.items():
        node, absent = root.find(path)
        assert (node.place.line, node.path, absent) == (line, path, ())
    assert root.find(("a", "b", 7)) == (root.find(("a", "b"))[0], (7,))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("No", False),
        ("on", True),
        ("12", 12),
        ("-1_000", -1000),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("0x1F", "0x1F"),
        ("1.2.3", "1.2.3"),
        ("> 0", "> 0"),
    ],
)
def test_scalars_mean_what_people_mean(text: str, value: object) -> None:
    read_value = read_scalar(text)
    assert read_value == value
    assert type(read_value) is type(value)


def test_variables_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("N", "5")
    monkeypatch.setenv("FOLDER", "a: b")
    monkeypatch.delenv("GONE", raising=False)
    root, problems = read(
        tmp_path, 'n: ${N}\ntext: "${N}"\npath: /x/${FOLDER}/${N}\nbad: ${GONE}\n$N: $N\n'
    )
    plain = {"n": 5, "text": "5", "path": "/x/a: b/5", "bad": "${GONE}", "$N": "$N"}
    assert root.plain() == plain
    assert problems == [
        'job.yaml:4: bad = "${GONE}": the environment variable GONE is not set; export it first'
    ]
