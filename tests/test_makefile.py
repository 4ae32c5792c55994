"""The Makefile is what people and CI type: what it lists is what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pipelines.demo import CONFIG
from vision.environment import NO_TELEMETRY
from vision.home import repository

pytestmark = pytest.mark.unit

MAKEFILE = (repository() / "Makefile").read_text(encoding="utf-8")
NEED_NO_SETUP = {"help", "setup", "clean"}


def make(
    *arguments: str, folder: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder or repository(),
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def phony() -> set[str]:
    [line] = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    return set(line.split())


def rules() -> dict[str, str]:
    """The prerequisites of every rule for a plain name."""
    return dict(re.findall(r"^([a-z][a-z-]*):(?!=)([^#\n]*)", MAKEFILE, re.MULTILINE))


def test_help_explains_every_target_in_a_line_and_nothing_else() -> None:
    listed = dict(line.split(maxsplit=1) for line in make("help").stdout.splitlines())

    assert set(listed) == set(rules()) == phony()
    assert all(text.endswith(".") and len(text) <= 80 for text in listed.values())


def test_help_is_what_make_alone_shows() -> None:
    assert make().stdout == make("help").stdout


@pytest.mark.parametrize("target", sorted(set(rules()) - NEED_NO_SETUP))
def test_every_other_target_sets_up_first(target: str) -> None:
    assert rules()[target].split() == ["setup"]


def test_nothing_that_make_starts_calls_home() -> None:
    exported = dict(re.findall(r"^export (\w+) := (.*)$", MAKEFILE, re.MULTILINE))

    assert exported == NO_TELEMETRY


def test_demo_runs_the_shipped_configuration() -> None:
    assert "-m pipelines.demo --port 3000" in make("--dry-run", "demo").stdout
    assert (repository() / CONFIG).is_file()


def test_ci_runs_lint_and_test() -> None:
    script = repository() / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert "exec make lint test < /dev/null" in script.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A folder that counts as set up: the stamps are newer than what they depend on."""
    for name in ("Makefile", "requirements/dev.txt", "stacks/local.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(repository() / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    for stamp in (".packages", ".ready"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


def test_a_second_setup_does_nothing(ready: Path) -> None:
    done = make("setup", folder=ready)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("requirements/dev.txt", "uv pip install"),
        ("requirements/dev.txt", "-m stacks.bootstrap"),
        ("stacks/local.yaml", "-m stacks.bootstrap"),
    ],
)
def test_a_change_is_set_up_again(ready: Path, changed: str, expected: str) -> None:
    later = time.time() + 10
    os.utime(ready / changed, (later, later))

    commands = make("--dry-run", "setup", folder=ready).stdout

    assert expected in commands
    assert ("uv pip install" in commands) == (changed == "requirements/dev.txt")


@pytest.mark.fault
def test_a_machine_without_a_fitting_python_is_told(ready: Path) -> None:
    (ready / ".venv" / ".packages").unlink()

    done = make("setup", "PYTHON=", folder=ready)

    assert done.returncode == 2
    assert done.stdout == (
        "Python 3.11 or 3.12 is needed; name one: make setup PYTHON=/path/to/python\n"
    )


def test_clean_keeps_models_and_tracking_runs(ready: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("cache", "bundles"):
        (home / name).mkdir(parents=True)
    (home / "mlflow.db").touch()
    (ready / "stacks" / "__pycache__").mkdir()

    assert make("clean", folder=ready, VISIONSTACK_HOME=str(home)).returncode == 0

    assert sorted(path.name for path in home.iterdir()) == ["bundles", "mlflow.db"]
    assert not (ready / "stacks" / "__pycache__").exists()
    assert (ready / ".venv" / ".ready").exists()
