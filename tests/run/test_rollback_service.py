"""``run.py rollback`` against the real service: one that follows, and one that was told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.serving.models.running_service import Service, run_service
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# The registries of the session belong to other tests. However busy the machine, a service that
# follows is waited for, since one that is told a version does not follow any more.
PROGRAM = """
import sys
import run
from steps.promotion import places, services
services._FOLLOWS_WITHIN_S = 30.0
places.all_places = lambda: ()
sys.exit(run.main(sys.argv[1:]))
"""
ADMIN = "the-admin-key-of-this-test"


def run_py(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=repository(),
        env=os.environ
        | {
            "BENTOML_HOME": str(folder / "bentoml"),
            "VISIONSTACK_HOME": str(folder / "service"),
            "VISIONSTACK_ADMIN_KEY": ADMIN,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def served(service: Service) -> set[str]:
    """Returns the versions in twenty answers, from any worker."""
    return {
        httpx.get(f"{service.address}/readyz", trust_env=False).json()["model"]["version"]
        for _ in range(20)
    }


def test_a_service_with_two_workers_is_brought_back(tmp_path: Path) -> None:
    scales = {"v1": 10.0, "v2": 20.0}
    with run_service(tmp_path, scales, n_workers=2, VISIONSTACK_ADMIN_KEY=ADMIN) as service:
        options = ("--service", service.address)

        said = run_py(tmp_path, "rollback", "v2", *options)
        assert served(service) == {"v2"}
        assert said.endswith("champion of colours: v2 (before: v1)\n")
        is_following = not (tmp_path / "service/serving/active.json").exists()
        assert is_following, "it came by itself, and will follow the next champion too"

        activated = httpx.put(
            f"{service.address}/model",
            json={"name": "colours", "version": "v2"},
            headers={"Authorization": f"Bearer {ADMIN}"},
            trust_env=False,
            timeout=30,
        )
        assert activated.status_code == 200
        said = run_py(tmp_path, "rollback", *options)
        assert served(service) == {"v1"}
        assert re.match(rf"{service.address} serves it after \d+\.\d s\n", said)

    listed = run_py(tmp_path, "deployments")
    actions = [line.split()[2:6] for line in listed.splitlines()[1:]]
    assert ["colours", "v1", "rollback", "done"] in actions
    assert ["colours", "v2", "rollback", "done"] in actions
