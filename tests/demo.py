"""Runs the demonstration as a new user would: real commands, stores of their own, no network."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.demo import CONFIG as CONFIG
from tests.servers import free_port
from vision import environment
from vision.home import repository

BIN = Path(sys.executable).parent
SPY = Path(__file__).with_name("socket_spy")

_LIMIT_S = 900
# What `make setup` does, but for `.zen` in the clone: ZENML_REPOSITORY_PATH stands for it.
_SET_UP = """
from vision.environment import prepare; prepare()
from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from stacks import registry
from stacks.bootstrap import FIRST_STACK, skip_survey
GlobalConfiguration().analytics_opt_in = False
registry.apply()
Client().activate_stack(FIRST_STACK)
skip_survey()
"""


@dataclass(frozen=True)
class Demo:
    """A finished demonstration.

    Attributes:
      folder: holds every store that it wrote.
      environment: in which the project's commands find these stores.
      is_cut_off: whether it ran in a network namespace that has nothing but loopback.
      process: the command with what it printed.
      report: what it wrote with ``--report``.
    """

    folder: Path
    environment: dict[str, str]
    is_cut_off: bool
    process: subprocess.CompletedProcess[str]
    report: dict[str, Any]

    @property
    def home(self) -> Path:
        """The project's own folder."""
        return self.folder / "home"

    @property
    def contacts(self) -> list[str]:
        """What the spy noted of every process so far, one line each."""
        return Path(self.environment["SOCKET_SPY"]).read_text().splitlines()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs ``python run.py`` in the stores of the demonstration."""
        return command([sys.executable, "run.py", *arguments], self.environment)


def command(
    arguments: Sequence[str], variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs a program in the repository and keeps what it prints; any exit code is taken."""
    return subprocess.run(
        arguments,
        cwd=repository(),
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )


def run_demo(folder: Path) -> Demo:
    """Sets up stores in ``folder`` and runs ``make demo``'s command in them."""
    folder.mkdir(parents=True)
    variables = stores_in(folder)
    done = command([sys.executable, "-c", _SET_UP], variables)
    assert done.returncode == 0, done.stdout + done.stderr
    file = folder / "report.json"
    cut_off = namespace()
    run = [sys.executable, "-m", "pipelines.demo", "--port", str(free_port())]
    run += ["--report", str(file)]
    process = command([*cut_off, *run], variables)
    assert process.returncode == 0, process.stdout + process.stderr
    return Demo(folder, variables, bool(cut_off), process, json.loads(file.read_text()))


def stores_in(folder: Path) -> dict[str, str]:
    """Returns an environment whose stores lie in ``folder``, watched by the spy.

    The switches that the project sets for itself are left out: it has to set them.
    """
    switches = {
        *environment.NO_TELEMETRY, *environment.SAFE_DEFAULTS,
        *environment.SAME_HOST_PAGES, *environment.LESS_NOISE,
    }  # fmt: skip
    ours = ("ZENML_", "VISIONSTACK_", "BENTOML_", "MLFLOW_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in switches and not name.startswith(ours)
    }
    return kept | {
        "ZENML_CONFIG_PATH": str(folder / "zenml"),
        "ZENML_REPOSITORY_PATH": str(folder),
        "ZENML_CUSTOM_SOURCE_ROOT": str(repository()),
        "VISIONSTACK_HOME": str(folder / "home"),
        "BENTOML_HOME": str(folder / "bentoml"),
        "PYTHONPATH": str(SPY),
        "SOCKET_SPY": str(folder / "contacts.txt"),
    }


@functools.cache
def namespace() -> tuple[str, ...]:
    """Returns the start of a command that runs the rest without a network; () where none may."""
    up = 'ip link set lo up && exec "$@"'
    for options in (("--net",), ("--map-root-user", "--net")):
        start = ("unshare", *options, "sh", "-c", up, "sh")
        try:
            done = subprocess.run([*start, "true"], capture_output=True, timeout=20, check=False)
        except FileNotFoundError:
            return ()
        if done.returncode == 0:
            return start
    return ()
