from __future__ import annotations

from pathlib import Path

import pytest
from zenml.client import Client
from zenml.enums import StackComponentType

from stacks import registry
from stacks.readiness import active_environment, check_active_stack
from vision.errors import StackError

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def refusal(name: str | None = None) -> str:
    with pytest.raises(StackError) as caught:
        check_active_stack(name)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_the_local_stack_can_run(register: Client) -> None:
    registry.apply(["local"])

    check_active_stack("local")
    register.activate_stack("local")
    check_active_stack()


def test_a_stack_that_needs_a_gpu_is_refused_where_none_is_visible(register: Client) -> None:
    registry.apply()

    assert refusal("local-gpu") == (
        "stack 'local-gpu' needs a GPU and none is visible here; check nvidia-smi and "
        "CUDA_VISIBLE_DEVICES, or run on the CPU: zenml stack set local"
    )


def test_a_stack_that_needs_a_gpu_runs_where_one_is_visible(
    register: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.apply()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-1)'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

    check_active_stack("local-gpu")


def test_a_stack_that_was_not_applied_names_the_command(register: Client) -> None:
    assert refusal("local") == (
        "stack 'local' is not registered here; register it: python run.py stacks apply local"
    )
    assert refusal("on-prem").startswith(
        "stack 'on-prem' is not registered: it waits for the secret mlflow"
    )


def test_a_mistyped_stack_names_the_nearest(register: Client) -> None:
    registry.apply()

    assert refusal("local-gpus") == (
        "there is no stack 'local-gpus' (python run.py stacks list shows all); "
        "did you mean 'local-gpu'?"
    )


def test_a_stack_without_a_data_validator_is_refused(register: Client) -> None:
    assert refusal() == (
        "stack 'default' has no data_validator, which this pipeline needs; "
        "add one, or switch to a stack that has one: zenml stack set local"
    )
    check_active_stack(needs=())


def test_packages_that_a_component_needs_are_named(register: Client, secrets: None) -> None:
    registry.apply()

    sentence = refusal("kubernetes")

    assert "flavor kubernetes) cannot be loaded: No module named 'kubernetes'" in sentence
    assert "install what it needs: .venv/bin/uv pip install 'kubernetes" in sentence


def test_a_validator_whose_package_is_missing_names_the_way_out(
    register: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.apply()
    monkeypatch.setattr("stacks.readiness.find_spec", lambda name: None)

    assert refusal("local") == (
        "stack 'local' cannot run here: its data_validator 'deepchecks' (flavor "
        "deepchecks_tabular) needs the package deepchecks, which is not installed; install it: "
        "make setup, or switch to the stack that does without it: zenml stack set ci"
    )
    check_active_stack("ci")


def test_a_secret_deleted_since_is_named(register: Client, secrets: None) -> None:
    registry.apply()
    register.delete_secret("object_store")

    assert refusal("on-prem") == (
        "stack 'on-prem' cannot run: its artifact_store 'on-prem' needs the secret object_store; "
        "supply it: zenml secret create object_store --key=... --secret=..."
    )


def test_a_stack_of_another_clone_is_refused(
    register: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", "/elsewhere/.local")
    registry.apply()
    monkeypatch.setenv("VISIONSTACK_HOME", str(home))

    assert refusal("local") == (
        "stack 'local' points into another clone: /elsewhere/.local; "
        "point it here: python run.py stacks apply local"
    )


@pytest.mark.fault
def test_a_flavor_whose_code_is_gone_is_named(register: Client) -> None:
    registry.apply()
    [flavor] = register.list_flavors(name="deepchecks_tabular", hydrate=True)
    from zenml.models import FlavorUpdate

    register.zen_store.update_flavor(flavor.id, FlavorUpdate(source="stacks.gone.Flavor"))

    assert "its data_validator 'deepchecks'" in refusal("local")
    assert refusal("local").endswith("register the flavor again: python run.py stacks apply")
    registry.apply()
    check_active_stack("local")


def test_the_environment_of_all_components_counts(register: Client, home: Path) -> None:
    registry.apply()

    environment = active_environment(register.get_stack("local-gpu"))

    assert environment == {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "VISIONSTACK_MIXED_PRECISION": "1",
        "VISIONSTACK_REQUIRE_GPU": "1",
        "VISIONSTACK_XLA": "1",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": f"{home}/mlflow",
    }
    assert active_environment() == {}
    assert StackComponentType.DATA_VALIDATOR in register.get_stack("local").components
