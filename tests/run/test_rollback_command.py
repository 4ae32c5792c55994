"""``run.py rollback`` after a roll-out: its services are told, its images are exchanged."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from steps.promotion import services
from steps.rollout.last import LastRollOut, note_last, read_last
from steps.rollout.runners import by_hand
from tests.run.test_deployment_commands import champion, promoted, rollback
from tests.servers import free_port
from tests.steps.promotion.fake_places import MODEL

pytestmark = pytest.mark.integration

__all__ = ["promoted"]

AGAIN = "`run.py rollback` tries v1 once more; to go further back, name the version\n"


def rolled_out(target: str, services: tuple[str, ...], *files: str) -> None:
    """Notes a roll-out of v2, which is the champion."""
    note_last(
        LastRollOut.model_validate(
            {
                "model": MODEL, "version": "v2", "number": 1, "target": target,
                "services": services, "files": files, "at": datetime(2026, 1, 2, tzinfo=UTC),
            }
        )
    )  # fmt: skip


def last() -> LastRollOut:
    found = read_last(MODEL)
    assert found is not None
    return found


@pytest.mark.usefixtures("promoted")
def test_rollback_tells_the_services_of_the_last_roll_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(
        services.HttpService, "serve", lambda self, name, version: told.append(self.address)
    )
    rolled_out("local", ("http://a", "http://b/"))
    assert rollback() == 0
    assert sorted(told) == ["http://a", "http://b"]
    assert (last().version, last().number) == ("v1", 2)
    assert last().services == ("http://a", "http://b/")
    assert rollback("v2", "--service", "http://c") == 0
    assert told[2:] == ["http://c"]
    assert last().version == "v1", "whether a and b serve v2 is not known"


@pytest.mark.usefixtures("promoted")
def test_rollback_fails_where_no_service_of_the_last_roll_out_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    addresses = tuple(f"http://127.0.0.1:{free_port()}" for _ in range(2))
    rolled_out("local", addresses)
    assert rollback() == 1
    found = capsys.readouterr()
    assert found.out == "champion of shapes: v1 (before: v2)\n"
    assert all(f"no service answers at {each}" in found.err for each in addresses)
    assert found.err.endswith(f"champion moved; no service confirmed\n{AGAIN}")
    assert (champion(), last().version) == ("v1", "v2")


@pytest.mark.usefixtures("promoted")
def test_a_damaged_note_of_the_last_roll_out_stops_no_rollback(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rolled_out("local", ("http://a",))
    (home / "deployments" / "roll-outs" / f"{MODEL}.json").write_text("{")
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setattr("pipelines.deployment_commands._LOCAL", address)
    assert rollback() == 1
    assert champion() == "v1"
    said = capsys.readouterr().err
    assert "is damaged; delete the file" in said
    assert said.endswith(f"champion moved; no service confirmed\n{AGAIN}")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker and kubectl that write down how they were called; fail where ``fail`` is there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("docker", "kubectl"):
        path = folder / name
        path.write_text(
            f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\n'
            f"if [ -e {tmp_path}/fail ]; then echo planted >&2; exit 3; fi\n"
        )
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "calls"


FILES = {
    "compose": "deployments/v2/compose.yaml",
    "kubernetes": "deployments/v2/kubernetes/overlays/on-prem",
}


@pytest.mark.usefixtures("promoted")
@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_rollback_starts_the_former_image(
    target: str, home: Path, tmp_path: Path, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rolled_out(target, (), FILES[target])
    path = home / FILES[target].replace("v2", "v1")
    path.parent.mkdir(parents=True)
    path.write_text("services: {}\n")
    (tmp_path / "fail").touch()
    assert rollback() == 1
    found = capsys.readouterr()
    assert champion() == "v1"
    assert "serves it" not in found.out
    assert "champion moved; no service confirmed" in found.err
    assert "the image of shapes v1: " in found.err or "was not started: no program" in found.err
    assert f"what brings it back: {by_hand(target, path)}" in found.err  # type: ignore[arg-type]
    assert found.err.endswith(AGAIN)
    (tmp_path / "fail").unlink()
    assert rollback() == 0
    assert f"{target} serves it after " in capsys.readouterr().out
    assert [each for each in program.read_text().splitlines() if str(path) in each]
    assert (last().version, last().files) == ("v1", (str(path.relative_to(home)),))


@pytest.mark.usefixtures("promoted", "program")
@pytest.mark.parametrize(
    ("target", "move"),
    [
        (
            "compose",
            "what brings it back: your deployment again with --set deployment.version=v1",
        ),
        (
            "kubernetes",
            "what brings the pods of before back: kubectl -n visionstack rollout history "
            "deployment/visionstack, then kubectl -n visionstack rollout undo "
            "deployment/visionstack --to-revision=NUMBER",
        ),
    ],
)
def test_rollback_without_the_files_of_the_former_image(
    target: str, move: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rolled_out(target, ("http://a",), FILES[target])
    assert rollback() == 1
    said = capsys.readouterr().err
    assert f"the image of shapes v1 was not started: {target} serves v2, which its" in said
    assert move in said
    assert "champion moved; no service confirmed" in said


@pytest.mark.usefixtures("promoted", "program")
def test_an_image_whose_service_does_not_answer_is_no_success(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("steps.rollout.image_service._READY_WITHIN_S", 0.1)
    address = f"http://127.0.0.1:{free_port()}"
    rolled_out("compose", (address,), FILES["compose"])
    path = home / "deployments" / "v1" / "compose.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("services: {}\n")
    assert rollback() == 1
    assert f"{address} is not ready with shapes v1" in capsys.readouterr().err
    assert last().version == "v2"


@pytest.mark.usefixtures("promoted")
def test_rollback_never_applies_what_was_only_tried(home: Path, program: Path) -> None:
    rolled_out("compose", (), FILES["compose"])
    path = home / "deployments" / "v1" / "tried-compose.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("services: {}\n")
    assert rollback() == 1
    assert not program.exists(), "nothing was called"
