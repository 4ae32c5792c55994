"""A bento that is really built, tried in an environment of its own, and killed on the way."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from serving.models.fault import FAULT_VARIABLE
from steps.packaging import bento_inputs, bento_test
from steps.packaging.bento import VARIES, build_bento
from steps.packaging.bento_inputs import REQUIREMENTS as REQUIREMENTS_OF
from steps.packaging.bento_inputs import copy_inputs, read_inputs
from steps.packaging.bento_test import Limits, try_bento
from steps.packaging.containers import PackagingError
from steps.packaging.contents import FORBIDDEN_PACKAGES
from steps.packaging.environment import make_environment
from steps.packaging.image import REQUIREMENTS
from tests.drift_bundle import write_drift_bundle
from tests.fake_bundle import seal
from tests.servers import free_port
from vision.home import repository
from vision.packages import BuiltBento

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bento")
    write_drift_bundle(folder / "bundle")
    # Nobody works on this copy while the tests compare builds of it.
    copy_inputs(read_inputs(REQUIREMENTS_OF["scipy"], {}), folder / "repository")
    return folder


@pytest.fixture(autouse=True)
def _own_stores(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(place / "home"))
    monkeypatch.setattr(bento_inputs, "repository", lambda: place / "repository")


@pytest.fixture(scope="module")
def built(place: Path) -> BuiltBento:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bento_inputs, "repository", lambda: place / "repository")
        return build_bento(place / "bundle")


@pytest.fixture(scope="module")
def _environment(place: Path, built: BuiltBento) -> None:
    """Made once, or the tests that need it are not run where packages cannot be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISIONSTACK_HOME", str(place / "home"))
        try:
            environment = make_environment(built.folder / REQUIREMENTS)
        except PackagingError as error:
            pytest.skip(str(error))
    installed = {
        path.name.partition("-")[0].lower().replace("-", "_")
        for path in environment.folder.glob("lib/python*/site-packages/*.dist-info")
    }
    assert "bentoml" in installed
    assert not installed & {*FORBIDDEN_PACKAGES, "alibi_detect"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_holds_the_service_and_its_locked_packages(built: BuiltBento) -> None:
    files = files_of(built.folder)

    assert {name.split("/")[1] for name in files if name.startswith("src/")} == {
        *("bentofile.yaml", "service.py", "serving", "vision")
    }
    assert built.requirements == "requirements/service.txt"
    lock = files["env/python/requirements.txt"].decode()
    assert "--hash=sha256:" in lock
    for name in ("zenml", "tensorflow", "keras", "dvc", "deepchecks", "mlflow", "alibi-detect"):
        assert f"\n{name}==" not in f"\n{lock}"
    assert built.n_bytes == sum(map(len, files.values()))
    assert {"model": "colours", "metric_accuracy": "1"}.items() <= built.labels.items()
    assert yaml.safe_load(files["bento.yaml"])["labels"] == built.labels


def test_two_builds_differ_in_what_is_said_and_nothing_else(
    place: Path, built: BuiltBento, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = files_of(built.folder)
    shutil.rmtree(built.folder)

    again = build_bento(place / "bundle")

    assert again == built
    second = files_of(again.folder)
    assert first.keys() == second.keys()
    different = {name for name in first if first[name] != second[name]}
    assert different == {"bento.yaml"}
    described = [yaml.safe_load(files["bento.yaml"]) for files in (first, second)]
    fields = {key for key in described[0] if described[0][key] != described[1].get(key)}
    assert tuple(f"bento.yaml: {field}" for field in sorted(fields)) == VARIES == built.differs


@pytest.mark.usefixtures("_environment")
def test_it_answers_in_an_environment_of_its_own(
    place: Path, built: BuiltBento, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(built.folder)
    # What a developer may have set must not reach it.
    monkeypatch.setenv("VISIONSTACK_PROBABILITY_DIGITS", "1")
    monkeypatch.setenv("PYTHONPATH", str(repository()))

    found = try_bento(built, place / "bundle")

    assert found.problems == ()
    assert (found.n_golden, found.exit_code) == (3, 0)
    assert (found.golden_difference or 0.0) < 1e-4
    assert sorted(found.bad_images.values()) == [413, 415, 422, 422]
    assert found.n_series > 20
    assert 5e7 < (found.memory_bytes or 0) < 1e9
    assert files_of(built.folder) == before


@pytest.mark.fault
@pytest.mark.usefixtures("_environment")
def test_a_bundle_with_other_answers_does_not_pass(place: Path, built: BuiltBento) -> None:
    wrong = place / "wrong"
    shutil.copytree(place / "bundle", wrong)
    # Its graph is right, its golden answers are those of other classes.
    expected = wrong / "golden" / "expected.json"
    text = expected.read_text()
    expected.write_text(
        text.replace("00.png", "x").replace("01.png", "00.png").replace("x", "01.png")
    )
    seal(wrong)

    found = try_bento(built, wrong, Limits(ready_s=40.0))

    # The service itself refuses the bundle, so it never gets ready.
    assert found.problems[0].startswith("the server is not ready after 40 s (503")
    assert "probabilities differ by" in found.message


@pytest.mark.fault
@pytest.mark.usefixtures("_environment")
def test_a_bento_that_cannot_start_says_why(place: Path, built: BuiltBento) -> None:
    broken = built.model_copy(update={"folder": place / "broken"})
    shutil.copytree(built.folder, broken.folder)
    (broken.folder / "src" / "service.py").write_text("import zenml\n")

    found = try_bento(broken, place / "bundle", Limits(ready_s=90.0))

    assert not found.passed
    assert "No module named 'zenml'" in found.message


@pytest.mark.fault
@pytest.mark.usefixtures("_environment")
def test_a_port_that_is_taken_costs_another_try(
    place: Path, built: BuiltBento, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = [other.getsockname()[1], free_port()]
        original = bento_test.try_server
        monkeypatch.setattr(
            bento_test, "try_server", lambda *given: original(*given, lambda: ports.pop(0))
        )
        found = try_bento(built, place / "bundle", Limits(ready_s=60.0))

    assert (found.problems, ports) == ((), [])


_DEPLOY = """
import sys
from pathlib import Path
from steps.packaging import bento_inputs
from steps.packaging.bento import build_bento
from steps.packaging.bento_test import try_bento
bundle = Path(sys.argv[1]) / "bundle"
bento_inputs.repository = lambda: Path(sys.argv[1]) / "repository"
built = build_bento(bundle)
print(built.digest, try_bento(built, bundle).message)
"""


@pytest.mark.fault
@pytest.mark.usefixtures("_environment")
def test_killed_anywhere_and_run_again_it_comes_to_the_same(
    place: Path, built: BuiltBento, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    own = {"BENTOML_HOME": str(tmp_path / "bentoml"), "TMPDIR": str(tmp_path / "tmp")}
    ends = []
    for point in ("bento-built", "bento-ready", ""):
        done = subprocess.run(
            [sys.executable, "-c", _DEPLOY, str(place)],
            cwd=repository(),
            env={**os.environ, **own, FAULT_VARIABLE: point},
            capture_output=True,
            text=True,
            check=False,
        )
        ends.append((done.returncode, done.stdout, done.stderr))

    assert ends[:2] == [(137, "", ""), (137, "", "")]
    assert ends[2] == (0, f"{built.digest} \n", "")
    assert not list((tmp_path / "tmp").glob("visionstack-server-*"))
