"""Set-up in clones that share one ZenML account, as ``make setup`` does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def clone(folder: Path) -> Path:
    for package in ("stacks", "vision"):
        shutil.copytree(
            repository() / package,
            folder / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return folder


def set_up(folder: Path, account: Path) -> list[str]:
    """Runs the set-up in a clone and returns what it told."""
    environment = {**os.environ, "ZENML_CONFIG_PATH": str(account), "PYTHONPATH": str(folder)}
    environment |= {"ZENML_LOGGING_VERBOSITY": "ERROR"}
    for name in ("VISIONSTACK_HOME", "ZENML_REPOSITORY_PATH", "ZENML_ANALYTICS_OPT_IN"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "stacks.bootstrap"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "waits for the secret" not in line]


def test_clones_share_an_account_and_the_last_one_set_up_has_it(tmp_path: Path) -> None:
    account = tmp_path / "account"
    first, second = clone(tmp_path / "first"), clone(tmp_path / "second")

    told = set_up(first, account)

    assert told[0] == f"ZenML: initialised in {first}"
    assert told[-2:] == ["stack local-gpu: registered", "active stack: local"]
    assert (first / ".zen" / "config.yaml").is_file()
    assert yaml.safe_load((account / "config.yaml").read_text())["analytics_opt_in"] is False
    assert set_up(first, account) == []
    assert set_up(second, account) == [
        f"ZenML: initialised in {second}",
        f"component experiment_tracker local: moved here from another clone: {first}/.local",
        "active stack: local",
    ]


@pytest.mark.fault
def test_a_wrong_definition_is_told_before_anything_is_set_up(tmp_path: Path) -> None:
    folder = clone(tmp_path / "clone")
    definition = folder / "stacks" / "local.yaml"
    definition.write_text(definition.read_text().replace("flavor: mlflow", "flavour: mlflow", 1))

    with pytest.raises(AssertionError, match=r"stacks/local\.yaml:19: .*flavour: no such key"):
        set_up(folder, tmp_path / "account")

    assert not (folder / ".zen").exists()
    assert not (tmp_path / "account").exists()
