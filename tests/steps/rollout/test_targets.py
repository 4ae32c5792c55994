"""Images on compose and Kubernetes: the files, the calls, and the way back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from steps.rollout import targets
from steps.rollout.deploy import deploy, try_first
from steps.rollout.manifests import write_compose, write_kubernetes
from steps.rollout.service_client import RollOutError
from steps.rollout.targets import Compose, Kubernetes, find_runner, roll_out_image
from steps.rollout.watch import Rules
from tests.steps.rollout.pretend import V1, V2, PretendService
from vision.config.deployment import DeploymentConfig

pytestmark = pytest.mark.unit

IMAGE = "registry.example.org:5000/team/visionstack:digits-2"
RULES = Rules(watch_s=0.05, max_errors=0.01, max_slowdown=3.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("steps.rollout.service_client._ASK_AGAIN_S", 0.001)
    return tmp_path / "home"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that writes down how it was called; fails where the file ``fail`` names a word."""
    folder = tmp_path / "programs"
    folder.mkdir()
    path = folder / "program"
    path.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
        f"for word in $(cat {tmp_path}/fail 2> /dev/null); do\n"
        '  case "$*" in *$word*) echo "planted: $word" >&2; exit 3;; esac\ndone\n'
    )
    path.chmod(0o755)
    for name in ("docker", "docker-compose", "kubectl"):
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return path


def _calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_the_compose_file_names_the_image_and_is_complete(home: Path) -> None:
    path = write_compose(IMAGE, "v2")
    assert path == home / "deployments" / "v2" / "compose.yaml"
    services = yaml.safe_load(path.read_text())["services"]
    assert services["service"]["image"] == IMAGE
    assert services["service"]["read_only"] is True


@pytest.mark.parametrize("overlay", ["on-prem", "cloud"])
@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (IMAGE, {"newName": "registry.example.org:5000/team/visionstack", "newTag": "digits-2"}),
        ("visionstack", {"newName": "visionstack", "newTag": "latest"}),
        ("a/b@sha256:" + "0" * 64, {"newName": "a/b", "digest": "sha256:" + "0" * 64}),
    ],
)
def test_the_overlay_names_the_image(overlay: str, image: str, expected: dict[str, str]) -> None:
    folder = write_kubernetes(image, "v2", overlay)
    found = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert found["images"] == [{"name": "visionstack", **expected}]
    assert all((folder / each).exists() for each in found["resources"])


@pytest.mark.parametrize("image", ["", "a b", "$(id)", "x\ny: z"])
def test_what_is_no_name_of_an_image_is_refused(image: str) -> None:
    with pytest.raises(RollOutError, match="no name of an image"):
        write_compose(image, "v2")


@pytest.mark.usefixtures("program")
def test_compose_starts_the_image_and_notes_it(tmp_path: Path, home: Path) -> None:
    runner, path = find_runner("compose", IMAGE, "v2")
    assert isinstance(runner, Compose)
    service = PretendService("http://a", now=[V2])
    found = roll_out_image(runner, V2, [service], RULES, 1.0)
    assert (found.outcome, found.files) == ("done", ("deployments/v2/compose.yaml",))
    assert _calls(tmp_path)[-1].endswith(f"-f {path} up -d service")
    # The next one that fails goes back to this file.
    (tmp_path / "fail").write_text("v3/compose.yaml")
    later, _ = find_runner("compose", IMAGE, "v3")
    assert later is not None
    failed = roll_out_image(later, V1, [service], RULES, 1.0)
    assert failed.outcome == "rolled_back"
    assert "planted: v3/compose.yaml" in failed.reason
    assert _calls(tmp_path)[-1].endswith(f"-f {path} up -d service")


@pytest.mark.usefixtures("program")
def test_a_first_image_that_fails_has_none_to_go_back_to(tmp_path: Path) -> None:
    runner, _ = find_runner("compose", IMAGE, "v2")
    assert runner is not None
    found = roll_out_image(runner, V2, [PretendService("http://a")], RULES, 0.05)
    assert found.outcome == "failed"
    assert "http://a is not ready with digits v2: it serves digits v1" in found.reason
    assert "no image to go back to" in found.reason


@pytest.mark.usefixtures("program")
def test_kubernetes_waits_for_the_pods_and_undoes(tmp_path: Path) -> None:
    runner, path = find_runner("kubernetes", IMAGE, "v2", "cloud")
    assert isinstance(runner, Kubernetes)
    assert roll_out_image(runner, V2, [], RULES, 45.0).outcome == "done"
    assert _calls(tmp_path) == [
        f"apply -k {path}",
        "-n visionstack rollout status deployment/visionstack --timeout=45s",
    ]
    (tmp_path / "fail").write_text("status")
    assert roll_out_image(runner, V2, [], RULES, 45.0).outcome == "rolled_back"
    assert _calls(tmp_path)[-1] == "-n visionstack rollout undo deployment/visionstack"


def test_without_a_program_the_files_are_written_and_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets.shutil, "which", lambda name: None)
    config = DeploymentConfig(target="kubernetes")
    found = deploy(V2, config, image=IMAGE)
    assert (found.outcome, found.reason) == (
        "nothing", "kubectl is not here; apply what was written",
    )  # fmt: skip
    assert (home / found.files[0] / "kustomization.yaml").is_file()


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (DeploymentConfig(target="none"), "deployment.target is none"),
        (DeploymentConfig(target="compose"), "there is no image, and compose needs one"),
    ],
)
def test_where_there_is_nothing_to_roll_out(config: DeploymentConfig, reason: str) -> None:
    found = deploy(V2, config)
    assert found.outcome == "nothing"
    assert found.reason.startswith(reason)


def test_without_a_share_nothing_is_tried() -> None:
    found = try_first(V2, DeploymentConfig())
    assert (found.outcome, found.reason) == ("nothing", "no trial is configured")
