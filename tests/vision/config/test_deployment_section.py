"""The section ``deployment``: what a target needs, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vision.config.deployment import DeploymentConfig
from vision.config.files import check_files
from vision.config.source import read_file

pytestmark = pytest.mark.unit

LOOPBACK = ("http://127.0.0.1:3000",)


@pytest.mark.parametrize(
    ("target", "services", "is_required"),
    [
        ("local", LOOPBACK, False),
        ("compose", LOOPBACK, True),
        ("kubernetes", (), True),
        ("none", LOOPBACK, False),
    ],
)
def test_the_target_says_who_is_watched_and_whether_an_image_is_needed(
    target: str, services: tuple[str, ...], is_required: bool
) -> None:
    found = DeploymentConfig.model_validate({"target": target})
    assert (found.services, found.image.required) == (services, is_required)
    # As ZenML passes it to the steps.
    assert DeploymentConfig.model_validate_json(found.model_dump_json()) == found


def test_what_is_said_is_kept() -> None:
    said = {"target": "kubernetes", "services": ["http://a"], "image": {"required": False}}
    found = DeploymentConfig.model_validate(said)
    assert (found.services, found.image.required) == (("http://a",), False)
    assert DeploymentConfig.model_validate({"services": []}).services == ()


@pytest.mark.fault
@pytest.mark.parametrize(
    ("section", "rule"),
    [
        (
            {"target": "compose", "image": {"builder": "none"}},
            "image.builder: none builds no image, and one is required (by image.required, or by "
            "target: compose or kubernetes); choose another builder",
        ),
        (
            {"image": {"builder": "none", "required": True}},
            "image.builder: none builds no image, and one is required",
        ),
        (
            {"target": "kubernetes", "canary": 0.1},
            "canary needs target: local, and this one is kubernetes: a trial is made in running "
            "services; set canary to 0",
        ),
        ({"target": "none", "shadow": 0.5}, "shadow needs target: local, and this one is none"),
    ],
)
def test_what_a_target_cannot_do_is_refused(section: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        DeploymentConfig.model_validate(section)
    assert rule in str(caught.value)


def test_one_mistake_is_one_problem() -> None:
    with pytest.raises(ValueError, match=r"^1 validation error"):
        DeploymentConfig.model_validate({"target": "docker"})


@pytest.mark.parametrize(
    ("overlay", "said"),
    [
        ("cloud", ""),
        ("own", ""),
        ("onprem", "no such folder in "),
        ("/no/such", "no such folder; "),
    ],
)
def test_an_overlay_has_a_name_or_is_a_folder(
    overlay: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "job.yaml").write_text(f"deployment: {{overlay: {overlay}}}\n")
    problems = check_files(read_file(tmp_path / "job.yaml")[0])
    assert len(problems) == bool(said)
    for problem in problems:
        assert said in str(problem)
        assert str(problem).endswith("name on-prem or cloud, or a Kustomize folder")
