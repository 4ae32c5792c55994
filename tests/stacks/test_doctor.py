"""Each check says what it found, and which command mends it."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

import stacks
from stacks import doctor
from stacks.changes import Change
from stacks.doctor import Check
from vision.errors import StackError


def test_a_line_is_ok_or_names_the_command() -> None:
    assert Check("disk", True, "9 GiB").line == "ok   disk: 9 GiB"
    assert Check("disk", False, "1 GiB", "make clean").line == "MEND disk: 1 GiB → make clean"


@pytest.mark.parametrize(
    ("found", "ok"), [((3, 11, 7), True), ((3, 12, 0), True), ((3, 13, 1), False), ((3, 9), False)]
)
def test_python_versions(found: tuple[int, ...], ok: bool) -> None:
    check = doctor.check_python(found)
    assert check.ok is ok
    assert ok or (check.detail.endswith(", needs 3.11 or 3.12") and "make setup" in check.remedy)


LOCK = (
    "numpy==1.26.4 \\\n    --hash=sha256:00\nKeras==3.14.0 ; python_version < '3.13' \\\nother==1\n"
)


def test_packages_are_compared_with_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "dev.txt"
    lock.write_text(LOCK)
    installed = {"numpy": "1.26.4", "keras": "3.14.0"}
    monkeypatch.setattr(doctor, "_installed", installed.get)
    assert doctor.check_packages(lock) == Check("packages", True, "2 of 3 locked, all as locked")
    installed |= {"numpy": "2.0.0", "opencv-python": "4.11"}
    del installed["keras"]
    check = doctor.check_packages(lock)
    assert (check.ok, check.remedy) == (False, "make setup")
    assert check.detail == (
        "keras is missing, locked 3.14.0; numpy is 2.0.0, locked 1.26.4; "
        "opencv-python overwrites the headless OpenCV"
    )
    assert doctor.check_packages(tmp_path / "none.txt").remedy == "make lock"


def test_disk_space_is_looked_up_where_the_folder_will_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = SimpleNamespace(free=5 * 2**30)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: free)
    check = doctor.check_disk(tmp_path / "not" / "yet")
    assert check == Check("disk", True, f"5.0 GiB free in {tmp_path}")
    free.free -= 1
    check = doctor.check_disk(tmp_path)
    assert check.line == f"MEND disk: 5.0 GiB free in {tmp_path}, needs 5 GiB → make clean"


def test_a_free_port_a_port_of_ours_and_a_taken_port() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.listen()
        taken = doctor.check_port(port, "the service", ("bentoml",), "bentoml serve --port 3001")
        name = Path(sys.executable).name[:6]
        ours = doctor.check_port(port, "the service", (name,), "")
    free = doctor.check_port(port, "the service", ("bentoml",), "")
    assert not taken.ok
    assert taken.remedy == "bentoml serve --port 3001"
    assert taken.detail.startswith("wanted by the service, used by ")
    assert taken.detail.endswith(f", process {os.getpid()}")
    assert ours.ok
    assert ours.detail.startswith("the service is running (")
    assert free == Check(f"port {port}", True, "free for the service")


def test_the_gpu_line_informs_and_is_never_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "visible_gpus", lambda: ("GPU 0: NVIDIA A", "GPU 1: NVIDIA B"))
    assert doctor.check_gpu().line == "ok   GPU: GPU 0: NVIDIA A, GPU 1: NVIDIA B"
    monkeypatch.setattr(doctor, "visible_gpus", lambda: ())
    assert doctor.check_gpu().line == "ok   GPU: none visible; the CPU is used"


def test_without_zenml_set_up_nothing_of_it_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "repository", lambda: tmp_path)
    (check,) = doctor.check_zenml()
    assert check.line == f"MEND ZenML: not initialised in {tmp_path} → make setup"


@dataclass
class FakeRegistry:
    """Stands for ``stacks.registry``."""

    changes: list[Change] = field(default_factory=list)
    waits: list[Change] = field(default_factory=list)

    def diff(self) -> list[Change]:
        return self.changes

    def waiting(self) -> list[Change]:
        return self.waits


class BrokenRegistry:
    def diff(self) -> list[Change]:
        raise StackError("stacks/aws.yaml: no flavor")


def test_the_active_stack_must_be_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks import readiness

    def refuse() -> None:
        raise StackError("stack 'default' has no data_validator: zenml stack set local")

    active = SimpleNamespace(active_stack_model=SimpleNamespace(name="local"))
    monkeypatch.setattr("zenml.client.Client", lambda root: active)
    monkeypatch.setattr(readiness, "check_active_stack", lambda: None)
    assert doctor.check_active_stack().line == "ok   active stack: local, ready"
    monkeypatch.setattr(readiness, "check_active_stack", refuse)
    assert doctor.check_active_stack().line == (
        "MEND active stack: stack 'default' has no data_validator: zenml stack set local"
    )


def test_stacks_must_say_what_their_files_say(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = FakeRegistry()
    monkeypatch.setattr(stacks, "registry", registry, raising=False)
    assert doctor.check_stacks().line == "ok   stacks: registered as in stacks/"
    registry.waits = [Change("stack", "aws", "waits for the secret storage")]
    assert doctor.check_stacks().line == (
        "ok   stacks: registered as in stacks/; still without secrets: aws"
    )
    registry.changes = [Change("stack", "aws", "is not registered"), Change("stack", "b", "too")]
    assert doctor.check_stacks().line == (
        "MEND stacks: stack aws: is not registered (and 1 more) → python run.py stacks apply"
    )
    monkeypatch.setattr(stacks, "registry", BrokenRegistry())
    assert doctor.check_stacks().detail == "stacks/aws.yaml: no flavor"


def test_the_champion_is_named_missing_or_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vision.bundles.champion import Champion, write_champion

    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path))
    check = doctor.check_champion()
    assert check.ok
    assert check.detail.startswith("none yet; python run.py --config ")
    version = "20260101-000000-0123abcd"
    pointer = write_champion(
        Champion(name="digits", version=version, bento_model=f"digits:{version}")
    )
    assert doctor.check_champion().line == f"ok   champion: digits {version}"
    pointer.write_text("{")
    check = doctor.check_champion()
    assert not check.ok
    assert check.remedy == "python run.py --config configs/train.yaml"
