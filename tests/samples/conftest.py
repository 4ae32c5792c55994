"""A real sample of photographs, for tests that say so; they are skipped where it is absent."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from vision.home import repository

_ARCHIVE = "cifar10-10k.tar.xz"


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sample: ``train`` and ``test`` with ten class folders each."""
    beside = repository().parent / "shared" / "datasets"
    archive = Path(os.environ.get("VISIONSTACK_SAMPLES", beside)) / _ARCHIVE
    if not archive.is_file():
        pytest.skip(f"{archive} is absent; VISIONSTACK_SAMPLES names the folder that holds it")
    folder = tmp_path_factory.mktemp("samples")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / "cifar10-10k"
