"""Reading a dataset when a pipeline starts and again in its first step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steps.datasets import check_unchanged, origin_of, read_dataset
from steps.revisions import ResolvedDataset
from tests.synthetic import write_images
from vision.config import DatasetConfig
from vision.datasets.importing import import_dataset, write_table
from vision.datasets.load import dataset_digest
from vision.errors import DatasetError

pytestmark = pytest.mark.integration

STATE = {"workspace_commit": "c" * 40, "workspace_state": "clean", "dir_hash": "d.dir"}


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a stand-in for the comparison with the workspace was called with."""
    calls: list[tuple[Any, ...]] = []

    def describe(*arguments: Any) -> dict[str, str]:
        calls.append(arguments)
        return STATE

    monkeypatch.setattr("steps.datasets.describe_workspace", describe)
    return calls


@pytest.fixture
def images(tmp_path: Path, home: Path) -> Path:
    return write_images(tmp_path / "images", 4, ("train", "validation", "test"))


def test_the_second_reading_compares_nothing_again(
    images: Path, described: list[tuple[Any, ...]]
) -> None:
    config = DatasetConfig(source="folder", path=str(images))
    first = read_dataset(config)
    assert described == [(images, None)]
    assert origin_of(first) == {"root": str(images), **STATE}
    second = read_dataset(config, origin_of(first))
    assert len(described) == 1, "the folder was hashed twice"
    assert second.source == first.source == {"kind": "folder", "path": str(images), **STATE}
    assert dataset_digest(second) == dataset_digest(first)


def test_a_table_is_described_where_its_images_lie(
    images: Path, tmp_path: Path, described: list[tuple[Any, ...]]
) -> None:
    file = tmp_path / "tables" / "colours.parquet"
    file.parent.mkdir()
    write_table(import_dataset(images), file)
    read_dataset(DatasetConfig(source="table", path=str(file)))
    assert described == [(images, file)]


def test_the_second_reading_takes_the_commit_and_verifies_nothing_again(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str | None, bool]] = []

    def resolve(dataset: DatasetConfig, commit: str | None, *, verify: bool) -> ResolvedDataset:
        calls.append((commit, verify))
        return ResolvedDataset(images, commit or "a" * 40, dataset, "d.dir", 36, "")

    monkeypatch.setattr("steps.datasets.resolve_revision", resolve)
    config = DatasetConfig(source="dvc", path="repository", revision="main")
    first = read_dataset(config)
    second = read_dataset(config, origin_of(first))
    assert calls == [(None, True), ("a" * 40, False)]
    assert (second.source["revision"], second.source["commit"]) == ("main", "a" * 40)
    assert dataset_digest(second) == dataset_digest(first)


def test_changed_data_are_refused_and_moved_ones_are_not(images: Path, tmp_path: Path) -> None:
    config = DatasetConfig(source="folder", path=str(images))
    first = read_dataset(config)
    digest, origin = dataset_digest(first), origin_of(first)
    check_unchanged(replace(first, root=tmp_path / "elsewhere"), digest, origin)
    broken = images / "train" / "red" / "000.png"
    broken.write_bytes(broken.read_bytes()[:40])
    now = read_dataset(config, origin)
    with pytest.raises(DatasetError) as caught:
        check_unchanged(now, digest, origin)
    assert str(caught.value) == (
        f"The dataset {images} changed while the pipeline started: its digest was {digest[:12]} "
        f"and is {dataset_digest(now)[:12]} now. Run it again once nothing writes to the data any "
        "more."
    )
