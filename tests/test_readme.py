"""The README says what is so: its commands are run, its outputs compared, its links followed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demo import BIN, Demo, command
from tests.servers import free_port, running
from vision.home import repository

README = (repository() / "README.md").read_text(encoding="utf-8")
PAGES = [repository() / "README.md", *sorted((repository() / "docs").rglob("*.md"))]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block_after(mark: str) -> str:
    [found] = re.findall(rf"<!-- {mark} -->\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return str(found)


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines]


COMMANDS = commands()
DRY_RUNS = [line for line in COMMANDS if "path/to/images" in line]
SIMULATIONS = [line for line in COMMANDS if line.startswith("python run.py simulate")]
WORSE = "python run.py --config configs/full.yaml --set training.epochs=1"
DEPLOYMENTS = "python run.py deployments"
TRAIN = "python run.py --config configs/train.yaml"
MONITOR = "python run.py --config configs/monitor.yaml"
KNOWN = {
    *DRY_RUNS,
    *SIMULATIONS,
    MONITOR,
    WORSE,
    DEPLOYMENTS,
    TRAIN,
    "make demo",
    "make test",
    "make serve",
    "curl -F image=@.local/datasets/digits/7/0007.png localhost:3000/predict",
    "source .venv/bin/activate",
    "zenml stack set local-gpu",
}


def targets() -> set[str]:
    makefile = (repository() / "Makefile").read_text(encoding="utf-8")
    [line] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    return set(line.split())


def first_column(table: str) -> list[str]:
    return [line[:13].strip() for line in table.splitlines() if line[:1].strip()]


def gates(table: str) -> list[tuple[str, str]]:
    return re.findall(r"^gate +passed (\w+) = [\d.]+, (required .+)$", table, re.MULTILINE)


def shape(value: Any) -> Any:
    """Returns the keys of nested mappings; the classes of a model are data, not keys."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {k: "..." if k == "probabilities" else shape(v) for k, v in value.items()}


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_every_command_in_it_is_one_that_is_tried_here() -> None:
    assert set(COMMANDS) == KNOWN
    assert (len(DRY_RUNS), len(SIMULATIONS)) == (2, 2)


def test_every_make_target_exists() -> None:
    named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README))
    assert {"demo", "test", "serve", "dashboard", "help"} <= named <= targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(repository())))
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link.partition("#")[0]).exists()] == []


def test_files_named_in_the_text_exist() -> None:
    named = re.findall(
        r"(?:configs|docs|stacks)/[\w./-]*\w", "\n".join([README, *blocks("console")])
    )
    assert [name for name in named if not (repository() / name).exists()] == []


def test_the_map_is_of_this_repository() -> None:
    [text] = [block for block in blocks("text") if block.startswith("run.py")]
    named = re.findall(r"(?:^|\s{2,})([\w.]+(?:/|\.py))(?=\s|$)", text, re.MULTILINE)
    assert {"run.py", "vision/", "docs/"} <= set(named)
    assert [name for name in named if not (repository() / name).exists()] == []
    folders = {path.name for path in repository().iterdir() if (path / "__init__.py").exists()}
    assert folders <= {name.rstrip("/") for name in named}


@pytest.mark.slow
@pytest.mark.integration
class TestWithTheDemonstration:
    """What the README shows, held against what the demonstration did."""

    def test_its_output_is_the_real_one(self, demo: Demo) -> None:
        written = block_after("demo")
        printed = demo.process.stdout[demo.process.stdout.index("full  ") :]
        assert first_column(written) == [
            row for row in first_column(printed) if row != "The service o"
        ]
        assert gates(written) == gates(printed)
        assert len(gates(written)) == 7
        assert f"in {len(demo.report['seconds'])} steps" in written

    def test_its_answer_is_the_real_one(self, demo: Demo, service: str) -> None:
        curl = shutil.which("curl")
        if curl is None:
            pytest.skip("curl is not installed")
        [line] = [line for line in COMMANDS if line.startswith("curl")]
        line = line.replace(".local", str(demo.home)).replace("localhost:3000", service)
        done = command([curl, "--silent", *shlex.split(line)[1:]], demo.environment)
        written, answered = json.loads(block_after("predict")), json.loads(done.stdout)
        assert shape(written) == shape(answered)
        assert written["prediction"]["label"] == answered["prediction"]["label"] == "7"

    @pytest.mark.parametrize("line", DRY_RUNS)
    def test_its_commands_for_own_images_are_accepted(self, demo: Demo, line: str) -> None:
        own = demo.home / "datasets/digits"
        arguments = shlex.split(line.replace("path/to/images", str(own)))[2:]
        done = demo.run(*arguments)
        assert done.returncode == 0, done.stderr
        if "--dry-run" in arguments:
            assert done.stderr == ""
            assert f"  path: {own}\n" in done.stdout
            assert "pipeline training on stack local\n" in done.stdout
        else:
            assert "validation    completed" in done.stdout

    def test_clean_images_are_no_drift_and_blurred_ones_are(self, demo: Demo) -> None:
        clean, blurred = (shlex.split(line)[2:] for line in SIMULATIONS)
        environment = demo.environment | {"VISIONSTACK_LOG_IMAGES": "1"}
        address = f"http://127.0.0.1:{(port := free_port())}"
        serve = [str(BIN / "bentoml"), "serve", "--port", str(port)]
        log = demo.folder / "watched.txt"
        with running(serve, environment, log, f"{address}/readyz", within_s=60):
            calm = demo.run(*clean, "--url", address)
            moved = demo.run(*blurred, "--url", address)
        assert (calm.returncode, moved.returncode) == (0, 0), calm.stderr + moved.stderr
        assert "drift was not seen; the last check said ok\n" in calm.stdout
        assert "the power table promised: seen in 50 such images" in moved.stdout
        [seen] = re.findall(r"by a check that had (\d+) of them", moved.stdout)
        assert int(seen) <= 100  # of 300: the promise, and the 50 images between two checks

        watched = demo.run(*shlex.split(MONITOR)[2:])
        assert watched.returncode == 4, watched.stdout + watched.stderr
        assert re.search(r"^verdict +drift$", watched.stdout, re.MULTILINE)
        [report] = re.findall(r"^report +(\S.*)$", watched.stdout, re.MULTILINE)
        assert list((demo.home / "monitoring/reports/digits").glob("*.html")), report

    def test_a_worse_model_is_refused_and_nothing_changes(self, demo: Demo) -> None:
        champion = demo.home / "champions/digits.json"
        before = champion.read_bytes()
        worse = demo.run(*shlex.split(WORSE)[2:])
        assert worse.returncode == 3, worse.stdout + worse.stderr
        assert re.search(r"^gate +FAILED accuracy = ", worse.stdout, re.MULTILINE)
        assert champion.read_bytes() == before
        told = demo.run(*shlex.split(DEPLOYMENTS)[2:])
        assert told.returncode == 0, told.stderr
        [promoted] = re.findall(r"digits +(\S+) +promote +done", told.stdout)
        assert promoted == demo.report["model"]["version"]
        assert re.search(rf"digits +{promoted} +roll_out +done", told.stdout)

    @pytest.fixture
    def keeps_the_stack(self, demo: Demo) -> Iterator[None]:
        """Gives later tests the stack back that was active."""
        config = demo.folder / "zenml" / "config.yaml"
        before = config.read_bytes()
        yield
        config.write_bytes(before)

    def test_the_stack_is_swapped_by_one_command(self, demo: Demo, keeps_the_stack: None) -> None:
        done = command([str(BIN / "zenml"), "stack", "set", "local-gpu"], demo.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        refused = demo.run(*shlex.split(TRAIN)[2:])
        assert (refused.returncode, refused.stdout) == (2, "")
        assert len(refused.stderr.splitlines()) == 1, refused.stderr
        assert "GPU" in refused.stderr
