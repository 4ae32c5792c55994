"""The way back of an image that does badly: to the champion before, and seen to be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from steps.rollout import targets
from steps.rollout.runners import Compose, find_runner
from steps.rollout.targets import roll_out_image
from steps.rollout.watch import Watched
from tests.steps.rollout.pretend import V1, V2, PretendService, Version
from tests.steps.rollout.test_targets import IMAGE, RULES, _calls, home, program
from vision.bundles.champion import Champion, write_champion

pytestmark = [pytest.mark.unit, pytest.mark.fault]

__all__ = ["home", "program"]

V3 = Version("digits", "v3")


@dataclass(frozen=True)
class Started(Compose):
    """Compose whose containers answer with what ``serves`` says of the file."""

    service: PretendService | None = None
    serves: Callable[[str], Version | None] = lambda file: None

    def _up(self, file: Path) -> str:
        problem = super()._up(file)
        assert self.service is not None
        self.service.now[0] = self.serves(f"{file.parent.name}/{file.name}")
        return problem


def started(version: Version, service: PretendService, **serves: Version | None) -> Started:
    runner, path = find_runner("compose", IMAGE, version.version)
    assert isinstance(runner, Compose)

    def served(file: str) -> Version | None:
        return next((found for name, found in serves.items() if file.startswith(name)), None)

    return Started(runner.command, path, service=service, serves=served)


def bad(service: PretendService, version: Version) -> None:
    service.errors[version.version] = 1.0


@pytest.mark.usefixtures("program")
def test_it_goes_back_to_the_champion_before_and_not_to_what_was_noted_last(
    tmp_path: Path, home: Path
) -> None:
    service = PretendService("http://a", now=[V1])
    for version in (V1, V2):
        runner = started(version, service, v1=V1, v2=V2)
        assert roll_out_image(runner, version, [service], RULES, 1.0).outcome == "done"
    service.now[0] = V1  # somebody went back by hand
    bad(service, V3)
    runner = started(V3, service, v3=V3, v1=V1, deployments=V2)
    found = roll_out_image(runner, V3, [service], RULES, 1.0, former="v1")
    assert found.outcome == "rolled_back"
    assert found.reason.endswith("(100.0%, at most 1.0%)")
    assert (found.replicas[0].former, found.replicas[0].served) == ("v1", "v1")
    assert _calls(tmp_path)[-1].endswith(f"-f {home}/deployments/v1/compose.yaml up -d service")


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("comes_back", [None, V2])
def test_what_does_not_come_back_is_no_way_back(comes_back: Version | None) -> None:
    service = PretendService("http://a", now=[V1])
    first = started(V1, service, v1=V1)
    assert roll_out_image(first, V1, [service], RULES, 1.0).outcome == "done"
    bad(service, V3)
    runner = started(V3, service, v3=V3, v1=comes_back)
    found = roll_out_image(runner, V3, [service], RULES, 0.05, former="v1")
    assert found.outcome == "failed"
    assert "; http://a is not ready with digits v1: it " in found.reason


def make_champion(version: str) -> None:
    write_champion(Champion(name="digits", version=version, bento_model=f"digits:{version}"))


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("began_with", ["v1", "v2"])
def test_who_became_champion_while_it_was_watched_is_not_replaced(
    began_with: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = PretendService("http://a", now=[V1])
    make_champion(began_with)

    def watch(*_: object) -> Watched:
        make_champion("v3")
        return Watched({}, "it does badly (planted)")

    monkeypatch.setattr(targets, "watch", watch)
    runner = started(V2, service, v2=V2)
    found = roll_out_image(runner, V2, [service], RULES, 1.0, former="v1")
    assert (found.outcome, found.reason) == (
        "failed",
        "it does badly (planted); v3 has become the champion of digits since, and stays",
    )
    assert len([call for call in _calls(tmp_path) if " up " in call]) == 1


@pytest.mark.usefixtures("program")
def test_a_version_that_is_not_the_champion_is_taken_back_too() -> None:
    service = PretendService("http://a", now=[V1])
    make_champion("v1")
    first = started(V1, service, v1=V1)
    assert roll_out_image(first, V1, [service], RULES, 1.0).outcome == "done"
    bad(service, V2)
    runner = started(V2, service, v2=V2, deployments=V1)
    assert roll_out_image(runner, V2, [service], RULES, 1.0).outcome == "rolled_back"
    assert service.now == [V1]
