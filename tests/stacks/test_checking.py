from __future__ import annotations

from typing import Any

import pytest
from zenml.client import Client
from zenml.enums import StackComponentType

from stacks.checking import find_problems, load_flavor, missing_secrets, secret_commands
from stacks.definitions import Component, Definition
from vision.errors import StackError

pytestmark = pytest.mark.integration


def stack(version: str = "0.98.0", **part: Any) -> Definition:
    component = Component(**{"name": "local", "type": "orchestrator", "flavor": "local", **part})
    return Definition(
        stack_name="x", zenml_version=version, components={component.type: (component,)}
    )


def test_a_right_definition_has_no_problem(register: Client) -> None:
    assert find_problems([stack()]) == []


@pytest.mark.fault
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "orchestratr"},
            "stacks/x.yaml: orchestratr local: no such component type; "
            "did you mean 'orchestrator'?",
        ),
        (
            {"flavor": "kuberntes"},
            "stacks/x.yaml: orchestrator local: flavor 'kuberntes' is unknown; "
            "did you mean 'kubernetes'?",
        ),
        (
            {"flavor": "ssh", "configuration": {"hostnam": "a", "username": "b"}},
            "stacks/x.yaml: orchestrator local: configuration.hostnam: no such setting; "
            "did you mean 'hostname'?",
        ),
        (
            {"flavor": "ssh", "configuration": {"hostname": "a", "username": "b", "port": 0}},
            "stacks/x.yaml: orchestrator local: configuration.port: "
            "Input should be greater than or equal to 1",
        ),
        (
            {"flavor": "ssh", "configuration": {"hostname": "a"}},
            "stacks/x.yaml: orchestrator local: configuration.username: Field required",
        ),
    ],
)
def test_a_problem_names_file_component_and_setting(
    register: Client, part: dict[str, Any], expected: str
) -> None:
    assert find_problems([stack(**part)]) == [expected]


@pytest.mark.fault
def test_a_file_for_another_zenml_is_refused(register: Client) -> None:
    [problem] = find_problems([stack(version="0.97.1")])

    assert problem.startswith("stacks/x.yaml: zenml_version = '0.97.1', but ZenML 0.98.")


def test_our_own_flavor_loads_before_it_is_registered(register: Client) -> None:
    flavor = load_flavor(StackComponentType.DATA_VALIDATOR, "deepchecks_tabular")

    assert flavor.name == "deepchecks_tabular"
    with pytest.raises(StackError, match=r"'deepchecks_tabula' is unknown; .*deepchecks_tabular"):
        load_flavor(StackComponentType.DATA_VALIDATOR, "deepchecks_tabula")


def test_missing_secrets_and_keys_are_found(register: Client) -> None:
    register.create_secret("half", {"key": "made-up"})

    missing = missing_secrets({"half": ("key", "secret"), "none": ("a",)})

    assert missing == {"half": ("secret",), "none": ("a",)}
    assert secret_commands(missing) == (
        "zenml secret update half --secret=... && zenml secret create none --a=..."
    )
