from __future__ import annotations

from pathlib import Path

import pytest

from stacks.definitions import Component, Definition, texts_in

pytestmark = pytest.mark.unit


def tracker(**configuration: object) -> Component:
    return Component(
        name="local", type="experiment_tracker", flavor="mlflow", configuration=configuration
    )


def test_the_home_folder_is_filled_in_at_any_depth(home: Path) -> None:
    part = tracker(
        tracking_uri="sqlite:///${VISIONSTACK_HOME}/mlflow.db",
        nested={"list": ["${VISIONSTACK_HOME}/a", 3]},
    )

    here = part.here()

    assert here.configuration["tracking_uri"] == f"sqlite:///{home}/mlflow.db"
    assert here.configuration["nested"] == {"list": [f"{home}/a", 3]}
    assert part.configuration["tracking_uri"] == "sqlite:///${VISIONSTACK_HOME}/mlflow.db"


def test_the_home_folder_is_filled_in_in_the_environment(home: Path) -> None:
    part = Component(
        name="a", type="orchestrator", flavor="local", environment={"X": "${VISIONSTACK_HOME}/x"}
    )

    assert part.here().environment == {"X": f"{home}/x"}


def test_secrets_are_collected_by_name() -> None:
    first = tracker(
        tracking_username="{{mlflow.username}}", tracking_password="{{mlflow.password}}"
    )
    second = Component(
        name="s", type="artifact_store", flavor="s3", configuration={"key": "{{ objects.key }}"}
    )
    definition = Definition(
        stack_name="x",
        zenml_version="0.98.0",
        components={"experiment_tracker": (first,), "artifact_store": (second,)},
    )

    assert definition.secrets == {"mlflow": ("password", "username"), "objects": ("key",)}


def test_texts_are_found_with_their_keys() -> None:
    assert list(texts_in({"a": {"b": ["x", 1, "y"]}, "c": True})) == [
        ("a.b[0]", "x"),
        ("a.b[2]", "y"),
    ]


def test_a_definition_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        tracker().name = "other"
