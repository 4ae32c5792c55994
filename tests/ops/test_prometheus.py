"""Scrape configuration and alert rules: promtool takes them, and they ask for metrics of ours."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml
from prometheus_client import CollectorRegistry

from serving.metrics.families import Families
from vision.home import repository

FOLDER = repository() / "ops" / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("no promtool; apt-get install prometheus")
    return subprocess.run(
        ["promtool", *words], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.integration
def test_promtool_takes_configuration_and_rules() -> None:
    done = promtool("check", "config", "compose.yml")

    assert done.returncode == 0, done.stderr
    assert f"{len(RULES)} rules found" in done.stdout


@pytest.mark.integration
def test_the_rules_fire_when_they_should_and_only_then() -> None:
    done = promtool("test", "rules", str(repository() / "tests" / "ops" / "rules_test.yml"))

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.unit
def test_the_rules_ask_for_metrics_that_the_service_has() -> None:
    registry = CollectorRegistry()
    Families(registry)
    ours = {
        name
        for each in registry.collect()
        for name in (each.name, f"{each.name}_total", f"{each.name}_bucket")
    }
    asked = {name for rule in RULES for name in re.findall(r"visionstack_\w+", rule["expr"])}

    assert asked
    assert asked <= ours


@pytest.mark.unit
def test_every_alert_says_how_urgent_it_is_what_it_is_and_what_to_do() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"].keys() == {"summary", "next"}
