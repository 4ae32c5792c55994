"""What changes in the register when a definition changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from zenml.client import Client
from zenml.enums import StackComponentType

from stacks import reading, registry
from stacks.definitions import Definition
from stacks.reading import read_definitions
from tests.stacks.conftest import sentences
from vision.errors import StackError

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TRACKER = StackComponentType.EXPERIMENT_TRACKER


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that definitions are read from: a copy of the shipped local.yaml alone."""
    folder = tmp_path / "definitions"
    folder.mkdir()
    shipped = (reading.FOLDER / "local.yaml").read_text(encoding="utf-8")
    (folder / "local.yaml").write_text(shipped, encoding="utf-8")

    def read() -> tuple[Definition, ...]:
        return read_definitions(folder)

    monkeypatch.setattr(registry, "read_definitions", read)
    return folder / "local.yaml"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_an_edited_definition_is_updated_in_place(register: Client, edited: Path) -> None:
    registry.apply()
    before = register.get_stack_component(TRACKER, "local").id
    edit(edited, "/mlflow.db", "/tracking.db")
    edit(edited, "_MLFLOW_SERVER_ARTIFACT_ROOT", "ELSEWHERE")

    [found] = sentences(registry.diff())
    [done] = sentences(registry.apply())

    assert "environment._MLFLOW_SERVER_ARTIFACT_ROOT is not in the file" in found
    assert "environment.ELSEWHERE is missing" in found
    assert "tracking.db'" in done
    after = register.get_stack_component(TRACKER, "local")
    assert after.id == before
    assert list(after.environment) == ["ELSEWHERE"]
    assert after.configuration["tracking_uri"].endswith("/tracking.db")
    assert registry.apply() == []


def test_a_setting_taken_out_of_the_file_is_removed(register: Client, edited: Path) -> None:
    edit(edited, "      tracking_uri", "      tracking_insecure_tls: true\n      tracking_uri")
    registry.apply()
    edit(edited, "      tracking_insecure_tls: true\n", "")

    [done] = sentences(registry.apply())

    assert done == (
        "component experiment_tracker local: configuration.tracking_insecure_tls removed"
    )
    tracker = register.get_stack_component(TRACKER, "local")
    assert list(tracker.configuration) == ["tracking_uri"]
    assert registry.apply() == []


def test_a_component_taken_out_of_a_stack_leaves_it(register: Client, edited: Path) -> None:
    registry.apply()
    text = edited.read_text(encoding="utf-8")
    edited.write_text(text[: text.index("  model_registry:")], encoding="utf-8")

    assert sentences(registry.apply()) == ["stack local: components replaced: model_registry"]
    assert not register.get_stack("local").components.get(StackComponentType.MODEL_REGISTRY)
    assert registry.apply() == []


@pytest.mark.fault
def test_another_flavor_under_the_same_name_is_refused(register: Client, edited: Path) -> None:
    registry.apply()
    edit(edited, "    flavor: local\n", "    flavor: local_docker\n")

    with pytest.raises(StackError, match=r"orchestrator local is registered with flavor 'local'"):
        registry.apply()


@pytest.mark.fault
def test_nothing_is_registered_where_one_file_is_wrong(register: Client, edited: Path) -> None:
    edit(edited, "tracking_uri", "tracking_url")

    with pytest.raises(StackError, match=r"did you mean 'tracking_uri'\?"):
        registry.apply()

    assert [stack.name for stack in register.list_stacks()] == ["default"]
    assert not register.list_flavors(name="deepchecks_tabular").total
