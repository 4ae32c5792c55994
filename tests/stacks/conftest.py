"""A ZenML register of the test's own: empty, quick to make, and gone afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from zenml.client import Client
from zenml.config.global_config import GlobalConfiguration
from zenml.utils import source_utils

from stacks.changes import Change
from vision.home import repository


def sentences(changes: Sequence[Change]) -> list[str]:
    return [change.sentence for change in changes]


def _forget() -> None:
    """Makes ZenML read its environment and files again."""
    GlobalConfiguration._reset_instance()
    Client._reset_instance()


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A register as ZenML makes it (seconds), and the folder that tests use copies of it in."""
    folder = tmp_path_factory.mktemp("zenml")
    used, kept = folder / "used", folder / "kept"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZENML_CONFIG_PATH", str(used))
        patch.setenv("ZENML_REPOSITORY_PATH", str(folder))
        _forget()
        Client().zen_store.get_store_info()
        shutil.copytree(used, kept)
    _forget()  # tests elsewhere go on with the session's own register
    return used, kept


@pytest.fixture
def register(
    _pristine: tuple[Path, Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """The client of a register in which nothing of this project is registered yet."""
    used, kept = _pristine
    shutil.rmtree(used)
    shutil.copytree(kept, used)
    monkeypatch.setenv("ZENML_CONFIG_PATH", str(used))
    monkeypatch.setenv("ZENML_REPOSITORY_PATH", str(used.parent))
    _forget()
    source_utils.set_custom_source_root(str(repository()))
    yield Client()
    source_utils.set_custom_source_root(os.environ["ZENML_CUSTOM_SOURCE_ROOT"])
    _forget()


@pytest.fixture
def secrets(register: Client) -> None:
    """Supplies the secrets that the shipped definitions refer to."""
    register.create_secret("mlflow", {"username": "trainer", "password": "made-up"})
    register.create_secret("object_store", {"key": "made-up", "secret": "made-up"})
