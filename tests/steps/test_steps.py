"""What holds for every step: thin, typed, and no output that would be pickled."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
from zenml.materializers.materializer_registry import materializer_registry
from zenml.steps.base_step import BaseStep

from vision.home import repository

pytestmark = pytest.mark.unit

FILES = sorted((repository() / "steps").glob("*.py"))
STEPS = [path for path in FILES if "\n@step(" in path.read_text(encoding="utf-8")]


def _step(path: Path) -> BaseStep:
    step: BaseStep = getattr(importlib.import_module(f"steps.{path.stem}"), path.stem)
    return step


def _materializers(step: BaseStep) -> dict[str, Any]:
    """Returns what would save each output: the one that is named, else what ZenML would choose."""
    from zenml.utils import source_utils

    chosen = {}
    for name, output in step.entrypoint_definition.outputs.items():
        named = (
            step.configuration.outputs[name].materializer_source
            if (name in step.configuration.outputs)
            else None
        )
        chosen[name] = (
            source_utils.load(named[0]) if named
            else materializer_registry[output.resolved_annotation]
        )  # fmt: skip
    return chosen


def test_there_is_a_step_in_each_file() -> None:
    assert {path.stem for path in STEPS} >= {
        "load_dataset", "compute_properties", "validate_dataset", "gate_dataset", "train_model",
        "preview_augmentation", "evaluate_model", "gate_model", "build_bundle", "register_model",
        "load_bundle", "evaluate_bundle", "select_images",
    }  # fmt: skip


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_no_output_falls_to_cloudpickle(path: Path) -> None:
    step = _step(path)
    for name, materializer in _materializers(step).items():
        assert "pickle" not in materializer.__name__.lower(), f"{path.stem}.{name}"
        # Plain text is kept as it is by ZenML itself.
        is_text = step.entrypoint_definition.outputs[name].resolved_annotation is str
        assert materializer.__module__.startswith("materializers.") or (
            is_text or path.stem == "preview_augmentation"
        )


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.stem)
def test_outputs_are_named(path: Path) -> None:
    names = list(_step(path).entrypoint_definition.outputs)
    assert names
    assert not [name for name in names if name.startswith("output")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_functions_are_short(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            assert node.end_lineno - node.lineno < 40, f"{path.name}: {node.name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_the_door_imports_mlflow(path: Path) -> None:
    names = [
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    has_mlflow = any(name.split(".")[0] == "mlflow" for name in names)
    assert has_mlflow is (path.stem == "tracking")
