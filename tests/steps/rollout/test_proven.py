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
@pytest.mark.parametrize(("fails", "expected"), [("", OTHER), ("tried-compose.yaml", IMAGE)])
def test_other_code_of_a_version_counts_once_it_went_well(
    fails: str, expected: str, tmp_path: Path, home: Path
) -> None:
    service = PretendService("http://a", now=[V2])
    first, tried = find_runner("compose", IMAGE, "v2")
    assert first is not None
    done = roll_out_image(first, V2, [service], RULES, 1.0)
    assert (done.outcome, done.files) == ("done", ("deployments/v2/compose.yaml",))
    (tmp_path / "fail").write_text(fails and f"v2/{fails}")
    again, _ = find_runner("compose", OTHER, "v2")
    assert again is not None
    found = roll_out_image(again, V2, [service], RULES, 1.0)
    assert found.outcome == ("rolled_back" if fails else "done")
    assert image_in(home / "deployments" / "v2" / "compose.yaml") == expected
    assert beside(home) == (["compose.yaml", tried.name] if fails else ["compose.yaml"])
    assert image_in(home / found.files[0]) == OTHER, "to be looked at"


@pytest.mark.parametrize("kind", ["compose", "kubernetes"])
def test_what_fails_or_dies_never_gets_the_name_that_a_rollback_applies(
    kind: str, home: Path
) -> None:
    def write(image: str) -> Path:
        if kind == "compose":
            return write_compose(image, "v2")
        return write_kubernetes(image, "v2", "on-prem")

    tried = write(OTHER)
    assert [name.startswith("tried-") for name in beside(home)] == [True]
    kept = proven.keep(write(IMAGE))
    assert proven.keep(kept) == kept
    assert len(beside(home)) == 1
    assert write(OTHER) == tried
    assert (image_in(kept), image_in(tried)) == (IMAGE, OTHER)
    assert proven.keep(tried) == kept
    assert (image_in(kept), len(beside(home))) == (OTHER, 1)


def test_what_cannot_be_written_leaves_what_is_there(home: Path, tmp_path: Path) -> None:
    kept = proven.keep(write_kubernetes(IMAGE, "v2", "cloud"))
    with pytest.raises(RollOutError, match="no name of an image"):
        write_kubernetes("a b", "v2", "cloud")
    with pytest.raises(RollOutError, match="has no kustomization"):
        write_kubernetes(OTHER, "v2", str(tmp_path))
    assert (image_in(kept), beside(home)) == (IMAGE, ["kubernetes"])


def test_what_is_applied_by_hand_is_trusted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    for image in (IMAGE, OTHER):
        found = deploy(V2, DeploymentConfig(target="compose"), image=image)
    assert found.files == ("deployments/v2/compose.yaml",)
    assert beside(home) == ["compose.yaml"]
    assert image_in(home / found.files[0]) == OTHER
