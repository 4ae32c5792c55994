"""docs/alerts.md shows what is so: its examples load, its names exist, its message is written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import run
from tests.vision.monitoring.alerts.conftest import CHANGE
from vision.config import MonitoringConfig
from vision.config.alerts import AlertConfig
from vision.home import repository
from vision.monitoring.alerts import delivery, write_message
from vision.monitoring.state import name_job

pytestmark = pytest.mark.unit

PAGE = (repository() / "docs" / "alerts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [yaml.safe_load(text)["monitoring"] for kind, text in BLOCKS if kind == "yaml"]


def test_its_examples_load_and_name_every_kind() -> None:
    alerts, retraining = map(MonitoringConfig.model_validate, EXAMPLES)

    assert [alert.kind for alert in alerts.alerts] == ["log", "file", "webhook", "email"]
    assert retraining.retrain.config == Path("configs/train.yaml")
    assert (repository() / "configs" / "train.yaml").is_file()
    assert retraining.retrain.least_labels == MonitoringConfig().retrain.least_labels


def test_the_message_is_the_one_that_is_written() -> None:
    said = "look at the images in the report; if they are wanted, label them and retrain."
    link = "https://zenml.example.org/projects/default/runs/7"
    message = write_message(
        replace(CHANGE, next_move=said, link=link, job=name_job(MonitoringConfig()))
    )

    assert f"{message.subject}\n\n{message.text}\n" in [text for _, text in BLOCKS]


def test_its_defaults_and_shapes_are_those_of_the_configuration() -> None:
    fields = AlertConfig.model_fields

    for shape in fields["shape"].annotation.__args__:  # type: ignore[union-attr]
        assert f"| `{shape}`" in PAGE
    for security in fields["security"].annotation.__args__:  # type: ignore[union-attr]
        assert f"| `{security}`" in PAGE
    assert f"| `starttls` (default) | {fields['port'].default} |" in PAGE
    assert f"After {delivery.TIMEOUT_S:g} seconds" in PAGE
    first, second = delivery.PAUSES_S
    assert f"twice more, {first:g} and {second:g} seconds later" in PAGE


def test_its_commands_options_and_files_exist() -> None:
    options = {name for option in run.cli.commands["monitor"].params for name in option.opts}

    assert set(re.findall(r"run\.py monitor[^|`]*?(--(?!config)\w+)", PAGE)) <= options
    for path in set(re.findall(r"\b(?:configs|ops)/[\w./-]+\w", PAGE)):
        assert (repository() / path).exists(), path
    for name in set(re.findall(r"\]\(([\w-]+\.md)\)", PAGE)):
        assert (repository() / "docs" / name).is_file(), name
