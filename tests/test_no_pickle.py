"""SE-09: nothing of the project can run code that came in as data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from vision.home import repository

pytestmark = [pytest.mark.unit, pytest.mark.security]

FOLDERS = (
    "vision",
    "serving",
    "steps",
    "pipelines",
    "stacks",
    "materializers",
    "benchmarks",
    "ops",
)
# Deepchecks' own thread pool is joblib's; none of its loaders is called.
EXCEPTIONS = {("stacks/flavors/deepchecks_suites.py", "import joblib")}
# Modules whose loaders run what they read.
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
# Calls that do, by their last two names; and arguments that allow it.
CALLS = {
    ("joblib", "load"),
    ("joblib", "dump"),
    ("yaml", "load"),
    ("yaml", "load_all"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("pandas", "read_pickle"),
    ("pd", "read_pickle"),
    ("torch", "load"),
    ("builtins", "eval"),
    ("builtins", "exec"),
}
NAMES = {"eval", "exec", "enable_unsafe_deserialization"}
ARGUMENTS = {"allow_pickle": False, "safe_mode": True}


def sources() -> list[Path]:
    """Every Python file of the project but the tests."""
    root = repository()
    found = [path for name in FOLDERS for path in (root / name).rglob("*.py")]
    return sorted([*root.glob("*.py"), *found])


def violations(source: str) -> Iterator[str]:
    """Names each place of a module that can run what it reads."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names]
            yield from (f"import {name}" for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)


def _of_call(node: ast.Call) -> Iterator[str]:
    function = node.func
    if isinstance(function, ast.Name) and function.id in NAMES:
        yield f"{function.id}()"
    if isinstance(function, ast.Attribute):
        owner = function.value
        name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
        if (name, function.attr) in CALLS or function.attr in NAMES - {"eval", "exec"}:
            yield f"{name}.{function.attr}()"
    for keyword in node.keywords:
        if keyword.arg in ARGUMENTS:
            is_safe = isinstance(keyword.value, ast.Constant)
            is_safe = is_safe and keyword.value.value is ARGUMENTS[keyword.arg]
            if not is_safe:
                yield f"{keyword.arg}="


def test_se09_no_module_can_run_what_it_reads() -> None:
    files = sources()
    assert len(files) > 100
    found = {
        (path.relative_to(repository()).as_posix(), what)
        for path in files
        for what in violations(path.read_text())
    }
    assert found == EXCEPTIONS


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from joblib import load",
        "from dill.settings import x",
        "import numpy as np; np.load('a', allow_pickle=True)",
        "import numpy as np; np.load('a', allow_pickle=flag)",
        "import yaml; yaml.load(text)",
        "keras.saving.load_model(path, safe_mode=False)",
        "pd.read_pickle('a')",
        "eval('1')",
        "keras.config.enable_unsafe_deserialization()",
    ],
)
def test_se09_planted_faults_are_found(source: str) -> None:
    assert list(violations(source))


@pytest.mark.parametrize(
    "source",
    [
        "import json; json.load(file)",
        "np.load('a', allow_pickle=False)",
        "yaml.safe_load(text)",
        "keras.saving.load_model(path, safe_mode=True)",
        "session.exec_driver_sql('x')",
        "pickled = 1",
    ],
)
def test_se09_what_is_safe_passes(source: str) -> None:
    assert list(violations(source)) == []


def test_se09_the_requirements_of_the_service_name_no_pickler() -> None:
    lines = (repository() / "requirements" / "service.txt").read_text().splitlines()
    names = {line.partition("==")[0].lower() for line in lines if "==" in line}
    assert not names & {"dill", "joblib", "jsonpickle"}
