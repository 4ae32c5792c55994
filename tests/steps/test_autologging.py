"""The end of a tracked step imports no framework, and switches off what was switched on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from steps.autologging import keep_autologging_light, switch_off
from vision.home import repository

RUN = """
import json, resource, sys
from zenml import pipeline, step
from zenml.client import Client
from stacks import registry
from steps import tracking
from vision.provenance import CodeVersion

FRAMEWORKS = ("tensorflow", "torch", "mlflow.tensorflow", "mlflow.sklearn")

@step(enable_cache=False, experiment_tracker="local")
def track(fails: bool) -> str:
    tracker = tracking.current()
    tracker.log_metrics({"number": 1.0})
    tracker.log_code(CodeVersion("abc", True, "+one\\n"))
    if fails:
        raise RuntimeError("asked to")
    return tracker.run_id or ""

@pipeline(enable_cache=False)
def tracked(fails: bool) -> None:
    track(fails)

def loaded() -> list[str]:
    return sorted({*FRAMEWORKS} & {*sys.modules})

registry.apply(["local"])
Client().activate_stack("local")
told = {"before": loaded()}
done = tracked(False)
told["tracking_run"] = done.steps["track"].output.load()
told["after"] = loaded()
told["patch"] = tracking.read_file(told["tracking_run"], tracking.PATCH_FILE).decode()
try:
    tracked(True)
except Exception as error:
    told["error"] = str(error)
told["after_a_failure"] = loaded()
import mlflow
runs = mlflow.MlflowClient(Client().active_stack.experiment_tracker.get_tracking_uri())
[experiment] = [each for each in runs.search_experiments() if each.name == "tracked"]
told["statuses"] = sorted(
    run.info.status for run in runs.search_runs([experiment.experiment_id])
)
# The oracle: what ZenML's own method would have done.
type(Client().active_stack.experiment_tracker).disable_autologging(None)
told["after_zenml"] = loaded()
print("RESULT", json.dumps(told))
"""


@pytest.mark.integration
@pytest.mark.slow
def test_a_tracked_step_imports_no_framework_at_its_end(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(repository()),
        "VISIONSTACK_HOME": str(tmp_path / "home"),
        "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
        "ZENML_REPOSITORY_PATH": str(tmp_path),
        "ZENML_CUSTOM_SOURCE_ROOT": str(tmp_path),
    }
    environment.pop("ZENML_ACTIVE_STACK_ID", None)
    script = tmp_path / "tracked.py"
    script.write_text(RUN)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True, text=True, timeout=300, env=environment, cwd=tmp_path,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(lines[0].removeprefix("RESULT "))
    assert told["tracking_run"]
    assert told["patch"] == "+one\n"
    assert told["error"] == "Pipeline run has failed due to failure in step(s): track"
    assert told["statuses"] == ["FAILED", "FINISHED"]
    assert (told["before"], told["after"], told["after_a_failure"]) == ([], [], [])
    assert "tensorflow" in told["after_zenml"]


@pytest.mark.unit
def test_what_is_imported_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    def autolog(name: str, **given: Any) -> None:
        asked.append((name, given))
        if name == "sklearn":
            raise ValueError("no such estimator")

    for name in ("sklearn", "xgboost"):
        module = ModuleType(f"mlflow.{name}")
        module.autolog = lambda name=name, **given: autolog(name, **given)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("tensorflow", "pytorch"):
        monkeypatch.delitem(sys.modules, f"mlflow.{name}", raising=False)
    tracker = SimpleNamespace()
    keep_autologging_light(tracker)
    keep_autologging_light(tracker)
    assert tracker.disable_autologging is switch_off
    tracker.disable_autologging()
    assert sorted(asked) == [("sklearn", {"disable": True}), ("xgboost", {"disable": True})]
    said = capsys.readouterr()
    assert (
        "autologging of sklearn could not be switched off (ValueError('no such estimator'))"
        in said.out + said.err
    )


@pytest.mark.integration
def test_it_replaces_a_method_that_zenml_calls() -> None:
    """A release of ZenML that names it otherwise must not go unnoticed."""
    import inspect

    from zenml.integrations.mlflow.experiment_trackers import MLFlowExperimentTracker

    ending = inspect.getsource(MLFlowExperimentTracker.cleanup_step_run)
    assert "self.disable_autologging()" in ending
    method = inspect.getsource(MLFlowExperimentTracker.disable_autologging)
    for framework in ("tensorflow", "sklearn", "pytorch"):
        assert f'"{framework}"' in method
