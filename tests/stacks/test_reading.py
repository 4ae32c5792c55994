from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stacks.reading import FOLDER, read_definitions
from vision.errors import StackError

pytestmark = pytest.mark.unit

SHIPPED = ("aws", "ci", "kubernetes", "local", "local-gpu", "on-prem")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in FOLDER.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(StackError) as caught:
        read_definitions(folder)
    return str(caught.value).splitlines()


def test_the_shipped_definitions_are_right() -> None:
    definitions = {each.stack_name: each for each in read_definitions()}

    assert tuple(definitions) == SHIPPED
    assert definitions["local"].secrets == {}
    assert definitions["local-gpu"].secrets == {}
    assert definitions["aws"].secrets == {"mlflow": ("password", "username")}
    assert definitions["on-prem"].secrets["object_store"] == ("key", "secret")


@pytest.mark.parametrize("name", SHIPPED)
def test_a_header_says_what_a_stack_is_for_and_needs(name: str) -> None:
    first, second, *_ = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()

    assert first.startswith("# For: ")
    assert second.startswith("# Needs: ")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_stack_has_what_the_pipelines_use(name: str) -> None:
    definition = next(each for each in read_definitions() if each.stack_name == name)

    tracked = set() if name == "ci" else {"experiment_tracker", "model_registry"}
    assert set(definition.components) >= {
        "orchestrator", "artifact_store", "data_validator", *tracked,
    }  # fmt: skip


def test_only_the_orchestrator_differs_between_local_and_local_gpu() -> None:
    local, gpu = (
        next(each for each in read_definitions() if each.stack_name == name)
        for name in ("local", "local-gpu")
    )
    differing = {
        kind for kind in local.components if local.components[kind] != gpu.components[kind]
    }

    assert differing == {"orchestrator"}
    assert gpu.components["orchestrator"][0].environment == {
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "VISIONSTACK_MIXED_PRECISION": "1",
        "VISIONSTACK_REQUIRE_GPU": "1",
        "VISIONSTACK_XLA": "1",
    }


@pytest.mark.fault
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "stack_name: local",
            "stack_nam: local",
            "stacks/local.yaml:3: stack_nam: no such key; did you mean 'stack_name'?",
        ),
        (
            "    flavor: mlflow",
            "    flavour: mlflow",
            "stacks/local.yaml:19: components.experiment_tracker.0.flavour: no such key; "
            "did you mean 'flavor'?",
        ),
        (
            "stack_name: local",
            "stack_name: lokal",
            "stacks/local.yaml:3: stack_name = 'lokal': must be 'local', as the file",
        ),
        (
            "    type: orchestrator",
            "    type: artifact_store",
            "stacks/local.yaml:8: components.orchestrator.0.type = 'artifact_store': "
            "must be 'orchestrator'",
        ),
        (
            "${VISIONSTACK_HOME}/mlflow.db",
            "${HOME}/mlflow.db",
            "stacks/local.yaml:21: components.experiment_tracker.0.configuration.tracking_uri = "
            "'sqlite:///${HOME}/mlflow.db': only ${VISIONSTACK_HOME} is replaced, not ${HOME}",
        ),
        ("  - name: local", "  - name: 7", "components.orchestrator.0.name = 7"),
        ("stack_name: local", "stack_name: [local", "stacks/local.yaml:4: bad YAML"),
    ],
)
def test_a_fault_is_named_with_file_line_and_key(
    folder: Path, old: str, new: str, expected: str
) -> None:
    replace(folder / "local.yaml", old, new)

    assert any(line.startswith(expected) or expected in line for line in problems(folder))


@pytest.mark.fault
def test_all_files_are_reported_at_once(folder: Path) -> None:
    replace(folder / "local.yaml", "stack_name: local", "stack_name: a")
    replace(folder / "aws.yaml", "stack_name: aws", "stack_name: b")

    files = [line.split(":")[0] for line in problems(folder)]

    assert files == ["stacks/aws.yaml", "stacks/local.yaml"]


@pytest.mark.fault
def test_a_stack_without_an_orchestrator_is_refused(folder: Path) -> None:
    (folder / "empty.yaml").write_text(
        "stack_name: empty\nzenml_version: 0.98.0\ncomponents: {}\n", encoding="utf-8"
    )

    assert problems(folder) == [
        "stacks/empty.yaml:3: components: a stack needs one orchestrator",
        "stacks/empty.yaml:3: components: a stack needs one artifact_store",
    ]


@pytest.mark.fault
def test_one_component_defined_in_two_ways_is_refused(folder: Path) -> None:
    replace(folder / "local.yaml", "/mlflow.db", "/tracking.db")

    assert problems(folder) == [
        "stacks/local.yaml: experiment_tracker local differs from the one in "
        "stacks/local-gpu.yaml; make them equal or rename one"
    ]


@pytest.mark.fault
def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path} holds no stack definition (*.yaml)"]
