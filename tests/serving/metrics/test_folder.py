"""Every service has a folder of its own for its metrics, which its workers share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fake_bundle import write_fake_bundle
from tests.servers import free_port, running
from vision.home import repository

pytestmark = pytest.mark.integration

_CHOOSE = """
import json, os, subprocess, sys
from serving.metrics.folder import choose_folder
choose_folder()
found = {
    "metrics": os.environ.get("PROMETHEUS_MULTIPROC_DIR"),
    "own": os.environ["VISIONSTACK_METRICS_FOLDER"],
    "mode": os.stat(os.environ["VISIONSTACK_METRICS_FOLDER"]).st_mode & 0o777,
}
if sys.argv[1] == "start":
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": "/shared/by/all"}
    command = [sys.executable, "-c", sys.argv[2], "work"]
    found["worker"] = json.loads(subprocess.check_output(command, env=environment))
    found["is_there"] = os.path.isdir(found["own"])
print(json.dumps(found))
"""


def _start(folder: Path) -> dict[str, object]:
    names = ("PROMETHEUS_MULTIPROC_DIR", "VISIONSTACK_METRICS_FOLDER")
    environment = {key: value for key, value in os.environ.items() if key not in names}
    output = subprocess.check_output(
        [sys.executable, "-c", _CHOOSE, "start", _CHOOSE],
        cwd=repository(),
        env=environment | {"TMPDIR": str(folder)},
        timeout=60,
    )
    found: dict[str, object] = json.loads(output)
    return found


def test_two_services_have_two_folders_which_go_with_them(tmp_path: Path) -> None:
    first, second = _start(tmp_path), _start(tmp_path)
    for found in (first, second):
        own = found["own"]
        assert str(own).startswith(f"{tmp_path}/visionstack-metrics-")
        # The process that starts workers keeps no metrics; a worker's end leaves the folder.
        assert (found["metrics"], found["mode"], found["is_there"]) == (None, 0o700, True)
        assert found["worker"] == {"metrics": own, "own": own, "mode": 0o700}
    assert first["own"] != second["own"]
    assert list(tmp_path.glob("visionstack-*")) == []


@pytest.mark.slow
def test_a_second_service_leaves_the_metrics_of_the_first(tmp_path: Path) -> None:
    write_fake_bundle(tmp_path / "bundle")
    inherited = {key: value for key, value in os.environ.items() if "VISIONSTACK_" not in key}
    environment = inherited | {
        "BENTOML_HOME": str(tmp_path / "bentoml"),
        "VISIONSTACK_HOME": str(tmp_path / "home"),
        "VISIONSTACK_BUNDLE": str(tmp_path / "bundle"),
        "TMPDIR": str(tmp_path),
    }
    bentoml = str(Path(sys.executable).with_name("bentoml"))
    ports = free_port(), free_port()
    commands = [[bentoml, "serve", "--port", str(port)] for port in ports]
    first, second = (f"http://127.0.0.1:{port}" for port in ports)
    series = 'visionstack_requests_total{method="GET",route="/model",status="200"}'

    def counted(address: str) -> list[str]:
        page = httpx.get(f"{address}/metrics", trust_env=False, timeout=30).text
        return [line.removeprefix(series) for line in page.splitlines() if line.startswith(series)]

    with running(commands[0], environment, tmp_path / "1.txt", f"{first}/readyz", 60):
        for _ in range(3):
            assert httpx.get(f"{first}/model", trust_env=False).status_code == 200
        with running(commands[1], environment, tmp_path / "2.txt", f"{second}/readyz", 60):
            assert httpx.get(f"{second}/model", trust_env=False).status_code == 200
            assert (counted(first), counted(second)) == ([" 3.0"], [" 1.0"])
        assert counted(first) == [" 3.0"]
    assert list(tmp_path.glob("visionstack-metrics-*")) == []
