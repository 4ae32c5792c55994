"""Registering, listing and comparing the stacks as they are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from zenml.client import Client
from zenml.enums import StackComponentType

from stacks import reading, registry
from stacks.changes import OWNER
from stacks.reading import read_definitions
from tests.stacks.conftest import sentences
from vision.errors import StackError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TRACKER = StackComponentType.EXPERIMENT_TRACKER
FIRST_TIME = [
    "flavor data_validator deepchecks_tabular: registered",
    "flavor data_validator property_schema: registered",
    "component orchestrator local: registered",
    "component artifact_store local: registered",
    "component data_validator schema: registered",
    "component experiment_tracker local: registered",
    "component data_validator deepchecks: registered",
    "component model_registry mlflow: registered",
    "component orchestrator local-gpu: registered",
    "stack ci: registered",
    "stack local: registered",
    "stack local-gpu: registered",
]


def test_a_second_time_changes_nothing(register: Client) -> None:
    assert sentences(registry.apply()) == FIRST_TIME
    assert registry.apply() == []
    assert registry.diff() == []


def test_diff_changes_nothing(register: Client) -> None:
    found = sentences(registry.diff())

    assert found == [each.replace(": registered", ": is not registered") for each in FIRST_TIME]
    assert [stack.name for stack in register.list_stacks()] == ["default"]


def test_the_local_tracker_keeps_everything_under_the_project_home(
    register: Client, home: Path
) -> None:
    registry.apply(["local"])

    tracker = register.get_stack_component(TRACKER, "local")
    assert tracker.configuration == {"tracking_uri": f"sqlite:///{home}/mlflow.db"}
    assert tracker.environment == {"_MLFLOW_SERVER_ARTIFACT_ROOT": f"{home}/mlflow"}
    assert tracker.labels == OWNER


def test_what_is_registered_exports_as_the_file_says(register: Client) -> None:
    registry.apply(["local"])
    written = yaml.safe_load((reading.FOLDER / "local.yaml").read_text(encoding="utf-8"))
    [tracker] = written["components"]["experiment_tracker"]
    del tracker["environment"]  # ZenML 0.98 does not export it
    here = read_definitions()[3].components["experiment_tracker"][0].here()
    tracker["configuration"] = here.configuration
    del written["zenml_version"]

    assert register.get_stack("local").to_yaml() == written


def test_stacks_whose_secrets_are_missing_are_left_out_and_say_so(register: Client) -> None:
    registry.apply()

    assert sorted(stack.name for stack in register.list_stacks()) == [
        "ci",
        "default",
        "local",
        "local-gpu",
    ]
    assert sentences(registry.waiting())[0] == (
        "stack aws: waits for the secret mlflow (password, username); supply it and register: "
        "zenml secret create mlflow --password=... --username=... "
        "&& python run.py stacks apply aws"
    )
    assert [change.name for change in registry.waiting()] == ["aws", "kubernetes", "on-prem"]


def test_a_secret_that_lacks_a_key_is_updated_not_created(register: Client) -> None:
    register.create_secret("mlflow", {"username": "trainer"})

    assert "zenml secret update mlflow --password=... &&" in registry.waiting()[0].sentence


def test_asking_by_name_for_a_stack_without_its_secrets_fails(register: Client) -> None:
    with pytest.raises(StackError, match=r"^stack on-prem: waits for the secret mlflow"):
        registry.apply(["local", "on-prem"])

    assert [stack.name for stack in register.list_stacks()] == ["default"]


def test_with_their_secrets_all_six_register(
    register: Client, secrets: None, caplog: pytest.LogCaptureFixture
) -> None:
    registry.apply()

    assert "running remotely" not in caplog.text
    assert sorted(stack.name for stack in register.list_stacks()) == [
        "aws",
        "ci",
        "default",
        "kubernetes",
        "local",
        "local-gpu",
        "on-prem",
    ]
    assert registry.waiting() == []
    assert registry.apply() == []
    assert register.get_stack("aws").components[StackComponentType.ORCHESTRATOR][0].flavor_name == (
        "sagemaker"
    )


def test_a_stack_that_is_not_defined_is_refused_with_the_nearest(register: Client) -> None:
    with pytest.raises(StackError, match=r"'local_gpu' is not defined .* mean 'local-gpu'\?"):
        registry.apply(["local_gpu"])
    with pytest.raises(StackError, match=r"'nope' is not defined in stacks/; known: aws, ci, kube"):
        registry.apply(["nope"])


def test_a_register_that_points_into_another_clone_is_told_and_moved(
    register: Client, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", "/elsewhere/.local")
    registry.apply()
    monkeypatch.setenv("VISIONSTACK_HOME", str(home))

    assert sentences(registry.diff()) == [
        "component experiment_tracker local: points into another clone: /elsewhere/.local"
    ]
    assert sentences(registry.apply()) == [
        "component experiment_tracker local: moved here from another clone: /elsewhere/.local"
    ]
    assert registry.diff() == []


@pytest.mark.fault
def test_what_somebody_else_registered_is_not_overwritten(register: Client) -> None:
    register.create_stack_component(
        "local", "mlflow", TRACKER, {"tracking_uri": "sqlite:////precious.db"}
    )

    with pytest.raises(StackError) as caught:
        registry.apply()

    assert str(caught.value) == (
        "experiment_tracker local is registered with other settings and not by this project; "
        "rename it (zenml experiment-tracker rename local NEW_NAME) or give the one in "
        "stacks/*.yaml another name"
    )
    assert [stack.name for stack in register.list_stacks()] == ["default"]
    assert register.get_stack_component(TRACKER, "local").configuration == {
        "tracking_uri": "sqlite:////precious.db"
    }


def test_the_table_marks_the_active_stack(register: Client) -> None:
    registry.apply()
    register.activate_stack("local")

    lines = registry.list_stacks().splitlines()

    assert lines[0].split() == ["stack", "registered", "components"]
    [local] = [line for line in lines if line.startswith("*")]
    assert local.split()[:3] == ["*", "local", "yes"]
    assert "data_validator: deepchecks_tabular" in local
    [aws] = [line for line in lines if " aws " in line]
    assert aws.split()[:4] == ["aws", "waits", "for", "secrets"]


def test_an_active_stack_of_somebody_else_is_in_the_table(register: Client) -> None:
    last = registry.list_stacks().splitlines()[-1]

    assert last.split() == ["*", "default", "yes", "(not", "defined", "in", "stacks/)"]
