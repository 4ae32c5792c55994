"""Every configuration of the folder is right, and every mistake in one is named."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.mistypes import mistypes
from vision.config.document import KeyPath, dotted
from vision.config.job import JobConfig
from vision.config.load import load_job
from vision.config.schema import key_paths, keys_of
from vision.errors import ConfigError
from vision.home import repository

CONFIGS = sorted((repository() / "configs").glob("*.yaml"))
# Below these keys the names are the user's own.
FREE = (("tracking", "tags"), ("zenml", "settings"))


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Works in a folder that has the datasets that configurations name."""
    (tmp_path / ".local" / "datasets" / "cifar10-10k").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)


def keys_in(node: yaml.Node, path: KeyPath = ()) -> Iterator[tuple[KeyPath, yaml.Mark]]:
    """Yields the path and the position of every key below a YAML node."""
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from keys_in(item, (*path, i))
    if isinstance(node, yaml.MappingNode) and path not in FREE:
        for key, value in node.value:
            yield (*path, key.value), key.start_mark
            yield from keys_in(value, (*path, key.value))


def every_key() -> Iterator[object]:
    for config in CONFIGS:
        text = config.read_text(encoding="utf-8")
        for path, mark in keys_in(yaml.compose(text, Loader=yaml.SafeLoader)):
            name = f"{config.name}:{dotted(path)}"
            yield pytest.param(text, path, mark.line + 1, mark.index, id=name)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_is_right_and_says_command_cost_and_result(config: Path) -> None:
    load_job(config)
    header = config.read_text(encoding="utf-8").split("\n\n")[0]
    for word in (f"Command:  python run.py --config configs/{config.name}", "Cost:", "Result:"):
        assert word in header


@pytest.mark.parametrize(("text", "path", "line", "index"), list(every_key()))
def test_every_mistyped_key_is_named_with_the_key_that_was_meant(
    text: str, path: KeyPath, line: int, index: int
) -> None:
    key = str(path[-1])
    for wrong in mistypes(key):
        mistyped = text[:index] + wrong + text[index + len(key) :]
        Path("job.yaml").write_text(mistyped, encoding="utf-8")
        with pytest.raises(ConfigError) as refused:
            load_job(Path("job.yaml"))
        said = [
            problem for problem in refused.value.problems if f"did you mean '{key}'?" in problem
        ]
        assert len(said) == 1, f"{wrong}: {refused.value.problems}"
        start = f"job.yaml:{line}: {dotted((*path[:-1], wrong))} = "
        assert said[0].startswith(start)
        assert ": unknown key" in said[0]


@pytest.mark.slow
@pytest.mark.parametrize("path", list(key_paths(JobConfig)), ids=".".join)
def test_every_key_of_the_schema_has_its_mistypes_understood(path: tuple[str, ...]) -> None:
    for wrong in mistypes(path[-1]):
        override = ".".join((*path[:-1], wrong)) + "=1"
        with pytest.raises(ConfigError) as refused:
            load_job(CONFIGS[-1], [override])
        said = [line for line in refused.value.problems if line.startswith("--set: ")]
        assert len(said) >= 1
        assert f"did you mean {path[-1]!r}?" in said[0], said


def test_every_operation_of_a_policy_has_its_mistypes_understood() -> None:
    operations = keys_of(JobConfig.model_fields["augmentation"].annotation)
    assert operations is not None
    item = keys_of(operations["policy"].__args__[0])
    assert item is not None
    assert len(item) == 10
    for operation, parameters in item.items():
        for wrong in mistypes(operation):
            assert_meant(f"augmentation.policy=[{{{wrong}: {{}}}}]", operation)
        for key in keys_of(parameters) or ():
            for wrong in mistypes(key):
                assert_meant(f"augmentation.policy=[{{{operation}: {{{wrong}: 1}}}}]", key)


def assert_meant(override: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_job(CONFIGS[-1], [override])
    assert any(f"did you mean {key!r}?" in line for line in refused.value.problems), override


def test_a_folder_that_is_missing_is_told_with_the_place_that_was_searched() -> None:
    Path(".local/datasets/cifar10-10k").rmdir()
    config = repository() / "configs" / "cifar10.yaml"
    with pytest.raises(ConfigError) as refused:
        load_job(config)
    (problem,) = refused.value.problems
    assert re.fullmatch(
        rf'{re.escape(str(config))}:\d+: dataset\.path = "\.local/datasets/cifar10-10k": '
        rf"no such folder in {re.escape(str(Path.cwd()))}; set dataset\.path to your folder",
        problem,
    )


# Says on exit which modules the command line loaded; run as a person would run it.
_SPY = """
import atexit, json, os, runpy, sys
atexit.register(lambda: json.dump(sorted(sys.modules), open(os.environ["MODULES"], "w")))
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_command_line_refuses_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    text = (repository() / "configs" / "train.yaml").read_text(encoding="utf-8")
    config = tmp_path / "train.yaml"
    config.write_text(text.replace("epochs:", "epoch:").replace("seed: 0", "seed: -1", 1))
    modules = tmp_path / "modules.json"
    environment = dict(os.environ, VISIONSTACK_HOME=str(tmp_path / "home"))
    environment["MODULES"] = str(modules)
    environment["ZENML_CONFIG_PATH"] = str(tmp_path / "zenml")
    run_py = str(repository() / "run.py")
    ended = subprocess.run(
        [sys.executable, "-c", _SPY, run_py, "--config", str(config)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    seed, epochs, end = ended.stderr.splitlines()
    assert seed.endswith(": dataset.seed = -1: must be at least 0")
    assert re.search(r": training\.epoch = \d+: unknown key; did you mean 'epochs'\?$", epochs)
    assert end == "nothing was run"
    loaded = set(json.loads(modules.read_text()))
    assert not loaded & {"tensorflow", "keras", "zenml", "mlflow", "pandas", "numpy", "dvc"}
    assert not (tmp_path / "zenml").exists()
    assert not (tmp_path / "home").exists()
