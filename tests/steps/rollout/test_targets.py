"""Images on compose and Kubernetes: the files, the calls, and the way back."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from steps.rollout import runners
from steps.rollout.deploy import deploy, try_first
from steps.rollout.manifests import write_compose, write_kubernetes
from steps.rollout.runners import Compose, find_runner
from steps.rollout.service_client import RollOutError
from steps.rollout.targets import image_reference, roll_out_image
from steps.rollout.watch import Rules
from tests.steps.rollout.pretend import V1, V2, PretendService
from vision.config.deployment import DeploymentConfig
from vision.home import repository
from vision.packages import ImageResult

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
    assert path == home / "deployments" / "v2" / "tried-compose.yaml"
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


@pytest.mark.parametrize("renames", [False, True])
def test_an_overlay_of_the_users_own_gets_the_image(tmp_path: Path, renames: bool) -> None:
    own = tmp_path / "cluster" / "production"
    own.mkdir(parents=True)
    base = os.path.relpath(repository() / "ops" / "kubernetes" / "base", own)
    named = [{"name": "visionstack", "newName": "old.example.org/x", "newTag": "1"}]
    kustomization = {"resources": [base], "images": named if renames else []}
    (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    folder = write_kubernetes(IMAGE, "v2", str(own))

    written = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert [(folder / each).resolve() for each in written["resources"]] == [own]
    assert IMAGE in written["patches"][0]["patch"]
    if shutil.which("kubectl"):
        done = subprocess.run(
            ["kubectl", "kustomize", folder], capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        objects = {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}
        [container] = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
        assert (container["image"], container["resources"]["limits"]["cpu"]) == (IMAGE, "2")


@pytest.mark.fault
def test_a_folder_that_is_no_overlay_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    config = DeploymentConfig(target="kubernetes", overlay=str(tmp_path))
    with pytest.raises(RollOutError, match=r"has no kustomization\.yaml; name on-prem, cloud or a"):
        deploy(V2, config, image=IMAGE)


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
    # The next one that fails goes back to what is in this file.
    (tmp_path / "fail").write_text("v3/tried-compose.yaml")
    later, _ = find_runner("compose", IMAGE, "v3")
    assert later is not None
    failed = roll_out_image(later, V1, [service], RULES, 1.0)
    assert failed.outcome == "rolled_back"
    assert "planted: v3/tried-compose.yaml" in failed.reason
    assert _calls(tmp_path)[-1].endswith("/deployments/compose-last.yaml up -d service")


@pytest.mark.usefixtures("program")
def test_a_first_image_that_fails_has_none_to_go_back_to(tmp_path: Path) -> None:
    runner, _ = find_runner("compose", IMAGE, "v2")
    assert runner is not None
    found = roll_out_image(runner, V2, [PretendService("http://a")], RULES, 0.05)
    assert found.outcome == "failed"
    assert "http://a is not ready with digits v2: it serves digits v1" in found.reason
    assert "no image to go back to" in found.reason


@pytest.mark.usefixtures("program")
def test_compose_goes_back_to_what_ran_and_not_to_its_file_written_anew(
    tmp_path: Path, home: Path
) -> None:
    service = PretendService("http://a", now=[V2])
    first, path = find_runner("compose", IMAGE, "v2")
    assert first is not None
    assert roll_out_image(first, V2, [service], RULES, 1.0).outcome == "done"
    # The same version with other code.
    (tmp_path / "fail").write_text("v2/tried-compose.yaml")
    again, same = find_runner("compose", f"{IMAGE}-bad", "v2")
    assert again is not None
    assert same == path
    assert roll_out_image(again, V2, [service], RULES, 1.0).outcome == "rolled_back"
    last = home / "deployments" / "compose-last.yaml"
    assert _calls(tmp_path)[-1].endswith(f"-f {last} up -d service")
    assert yaml.safe_load(last.read_text())["services"]["service"]["image"] == IMAGE


def test_without_a_program_the_files_are_written_and_said(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    config = DeploymentConfig(target="kubernetes")
    found = deploy(V2, config, image=IMAGE)
    written = home / "deployments" / "v2" / "kubernetes" / "overlays" / "on-prem"
    assert (found.outcome, found.reason) == (
        "nothing",
        "kubectl is not here, so the files were written and nothing was started: what is served "
        f"did not change; apply them with `kubectl apply -k {written}`",
    )
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


def test_compose_that_is_not_here_says_what_to_call(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    found = deploy(V2, DeploymentConfig(target="compose"), image=IMAGE)
    project = repository() / "ops" / "compose"
    assert found.outcome == "nothing"
    assert found.reason.endswith(
        f"apply them with `docker compose --project-directory {project} -f "
        f"{home}/deployments/v2/compose.yaml up -d service`"
    )


@pytest.mark.parametrize(
    ("target", "builder", "pushed_to", "expected"),
    [
        ("kubernetes", "podman", "r.org/visionstack:a-1", "r.org/visionstack:a-1"),
        ("compose", "podman", "r.org/visionstack:a-1", "r.org/visionstack:a-1"),
        ("kubernetes", "podman", None, "localhost/visionstack:a-1"),
        ("kubernetes", "buildah", None, "localhost/visionstack:a-1"),
        ("kubernetes", "docker", None, "visionstack:a-1"),
        ("compose", "podman", None, "visionstack:a-1"),
    ],
)
def test_an_image_has_the_name_that_its_target_knows(
    target: str, builder: str, pushed_to: str | None, expected: str
) -> None:
    image = ImageResult(sentence="", tag="visionstack:a-1", builder=builder, pushed_to=pushed_to)
    assert image_reference(image, target) == expected
    assert image_reference(ImageResult(sentence="none was built"), target) is None
