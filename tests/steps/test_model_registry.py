"""MLflow's model registry on stacks that have none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from steps import model_registry
from steps.model_registry import read_aliases, register
from tests.fake_bundle import write_fake_bundle
from tests.steps.active_stack import pretend_stack
from vision.bundles.build import Bundle

pytestmark = pytest.mark.unit


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An active stack that a test fills with components."""
    return pretend_stack(monkeypatch, model_registry, experiment_tracker=None, model_registry=None)


def test_aliases_need_a_registry_and_a_tracker_of_mlflow(stack: SimpleNamespace) -> None:
    assert read_aliases("digits") is None
    stack.model_registry = SimpleNamespace(flavor="mlflow")
    stack.experiment_tracker = SimpleNamespace(flavor="wandb")
    assert read_aliases("digits") is None


def test_without_a_registry_a_version_has_no_number(stack: SimpleNamespace, tmp_path: Path) -> None:
    bundle = Bundle(tmp_path / "one", write_fake_bundle(tmp_path / "one"))
    assert register(bundle, "champion", {}, "run1") is None
    stack.model_registry = SimpleNamespace(flavor="theirs")
    assert register(bundle, "champion", {}, "run1") is None
