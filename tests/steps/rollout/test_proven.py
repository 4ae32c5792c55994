"""What a rollback applies for a version is what went well, whatever was tried since."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from steps.rollout import proven, runners
from steps.rollout.deploy import deploy
from steps.rollout.manifests import write_compose, write_kubernetes
from steps.rollout.runners import find_runner
from steps.rollout.service_client import RollOutError
from steps.rollout.targets import roll_out_image
from tests.steps.rollout.pretend import V2, PretendService
from tests.steps.rollout.test_targets import IMAGE, RULES, home, program
from vision.config.deployment import DeploymentConfig

pytestmark = [pytest.mark.unit, pytest.mark.fault]

__all__ = ["home", "program"]

OTHER = f"{IMAGE}-other-code"


def image_in(path: Path) -> str:
    """Returns the image that a compose file, or an overlay, names."""
    if path.is_file():
        return str(yaml.safe_load(path.read_text())["services"]["service"]["image"])
    [image] = yaml.safe_load((path / "kustomization.yaml").read_text())["images"]
    return f"{image['newName']}:{image['newTag']}"


def beside(home: Path) -> list[str]:
    return sorted(each.name for each in (home / "deployments" / "v2").iterdir())


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(("fails", "expected"), [("", OTHER), ("compose.yaml", IMAGE)])
def test_other_code_of_a_version_counts_once_it_went_well(
    fails: str, expected: str, tmp_path: Path, home: Path
) -> None:
    service = PretendService("http://a", now=[V2])
    first, path = find_runner("compose", IMAGE, "v2")
    assert first is not None
    assert roll_out_image(first, V2, [service], RULES, 1.0).outcome == "done"
    (tmp_path / "fail").write_text(fails and f"v2/{fails}")
    again, same = find_runner("compose", OTHER, "v2")
    assert again is not None
    outcome = roll_out_image(again, V2, [service], RULES, 1.0).outcome
    assert outcome == ("rolled_back" if fails else "done")
    assert (same, image_in(path), beside(home)) == (path, expected, ["compose.yaml"])


@pytest.mark.parametrize("kind", ["compose", "kubernetes"])
def test_a_roll_out_that_died_leaves_the_files_of_before(kind: str, home: Path) -> None:
    def write(image: str) -> Path:
        if kind == "compose":
            return write_compose(image, "v2")
        return write_kubernetes(image, "v2", "on-prem")

    path = write(IMAGE)
    proven.keep(path)
    for _ in range(2):  # it dies, and once more
        assert write(OTHER) == path
        assert image_in(path) == OTHER
    assert len(beside(home)) == 2

    proven.put_back(path)
    proven.put_back(path)
    assert (image_in(path), len(beside(home))) == (IMAGE, 1)


def test_a_first_one_stays_to_be_looked_at(home: Path) -> None:
    path = write_compose(IMAGE, "v2")
    proven.put_back(path)
    assert (image_in(path), beside(home)) == (IMAGE, ["compose.yaml"])


def test_what_cannot_be_written_leaves_the_files_of_before(home: Path, tmp_path: Path) -> None:
    path = write_kubernetes(IMAGE, "v2", "cloud")
    with pytest.raises(RollOutError, match="no name of an image"):
        write_kubernetes("a b", "v2", "cloud")
    with pytest.raises(RollOutError, match="has no kustomization"):
        write_kubernetes(OTHER, "v2", str(tmp_path))
    assert (image_in(path), beside(home)) == (IMAGE, ["kubernetes"])


def test_what_is_applied_by_hand_is_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    for image in (IMAGE, OTHER):
        deploy(V2, DeploymentConfig(target="compose"), image=image)
    assert beside(home) == ["compose.yaml"]
    assert image_in(home / "deployments" / "v2" / "compose.yaml") == OTHER
