from __future__ import annotations

from pathlib import Path

import pytest

from stacks.gpu import visible_gpus

pytestmark = pytest.mark.unit

FIRST = "GPU 0: NVIDIA H200 (UUID: GPU-aaaa-1)"
SECOND = "GPU 1: NVIDIA H200 (UUID: GPU-bbbb-2)"


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{FIRST}'\necho '{SECOND}'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return program


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, (FIRST, SECOND)),
        ("0,1", (FIRST, SECOND)),
        ("1,0", (SECOND, FIRST)),
        ("1", (SECOND,)),
        ("GPU-bbbb", (SECOND,)),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", (FIRST,)),
        ("2", ()),
        ("NoDevFiles", ()),
        ("MIG-cccc", ("MIG device MIG-cccc",)),
    ],
)
def test_cuda_visible_devices_is_heeded(
    two_gpus: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None, expected: tuple[str, ...]
) -> None:
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)

    assert visible_gpus() == expected


def test_no_driver_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    assert visible_gpus() == ()


@pytest.mark.fault
def test_a_driver_that_fails_is_no_gpu(two_gpus: Path) -> None:
    two_gpus.write_text("#!/bin/sh\necho 'GPU 0: of another boot'\nexit 9\n", encoding="utf-8")

    assert visible_gpus() == ()
