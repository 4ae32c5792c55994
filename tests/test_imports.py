"""Imports point inwards, every tool has one door, and importing a module does nothing else."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vision.home import repository

ROOT = repository()
RINGS = ("vision", "serving", "materializers", "stacks", "steps", "pipelines")
HEAVY = ("tensorflow", "keras", "deepchecks", "dvc", "imgaug", "alibi_detect", "tf2onnx")
# import-linter reads packages only; these are the modules at the root.
FORBIDDEN = {
    "service.py": (
        {"zenml", "mlflow", "dvc", "deepchecks", "imgaug", "tensorflow", "keras", "pandas"}
        | {"steps", "pipelines", "stacks", "materializers"}
    ),
    "run.py": {"mlflow", "dvc", "deepchecks", "bentoml", "tensorflow", "keras"},
}


def modules(ring: str) -> list[str]:
    found = []
    for path in sorted((ROOT / ring).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def imported(path: Path) -> Iterator[str]:
    """Yields the top-level name of everything that a file imports, at any depth."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.integration
def test_the_contracts_of_the_rings_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unit
@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_the_entry_points_keep_to_their_ring(name: str) -> None:
    assert not FORBIDDEN[name] & set(imported(ROOT / name))


@pytest.mark.unit
@pytest.mark.parametrize("ring", RINGS)
def test_every_folder_with_code_is_a_package(ring: str) -> None:
    folders = {path.parent for path in (ROOT / ring).rglob("*.py")}

    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


_IMPORT_ALL = """
import importlib, json, socket, sys

def refuse(self, address, *_):
    raise AssertionError(f"connects to {address}")

socket.socket.connect = socket.socket.connect_ex = refuse
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize(
    ("rings", "unwanted"),
    [
        (("vision",), {*HEAVY, "zenml", "mlflow", "bentoml", "click"}),
        (("serving",), {*HEAVY, "zenml", "mlflow", "pandas", "sklearn", "matplotlib"}),
        (("materializers", "stacks", "steps", "pipelines"), {*HEAVY}),
    ],
)
def test_importing_is_free(tmp_path: Path, rings: tuple[str, ...], unwanted: set[str]) -> None:
    names = [name for ring in rings for name in modules(ring)]
    program = tmp_path / "import_all.py"
    program.write_text(_IMPORT_ALL, encoding="utf-8")
    state = tmp_path / "state"
    stores = ("VISIONSTACK_HOME", "ZENML_CONFIG_PATH", "BENTOML_HOME")
    places = {name: str(state / name) for name in stores} | {"PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, str(program), json.dumps(names)],
        cwd=ROOT,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert not unwanted & set(json.loads(done.stdout.splitlines()[-1]))
    assert not state.exists()
