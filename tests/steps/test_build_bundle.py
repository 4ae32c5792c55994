"""The lineage of a bundle names the data it was trained on, and those they were selected from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from steps import build_bundle, select_images
from tests.synthetic import write_images
from vision.config import DatasetConfig, ValidationConfig
from vision.datasets.load import load_annotations
from vision.datasets.table import AnnotationTable
from vision.validation.report import Finding, ValidationReport

pytestmark = pytest.mark.unit

TRAINED = {"git_commit": "c" * 40, "git_is_dirty": False, "tracking_run": "", "config_digest": "d"}


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetConfig:
    images = write_images(tmp_path / "images", 2, ("train", "validation"))
    return DatasetConfig(source="folder", path=str(images))


def select(
    dataset: DatasetConfig, monkeypatch: pytest.MonkeyPatch, *gone: str
) -> tuple[AnnotationTable, dict[str, Any]]:
    """Returns the images that are left, and what the step notes with them."""
    noted: dict[str, Any] = {}
    monkeypatch.setattr(select_images, "log_metadata", lambda values, **_: noted.update(values))
    finding = Finding(
        check="near_constant_images", severity="warning", message="blank", images=gone
    )
    selected = select_images.select_images.entrypoint(
        load_annotations(dataset),
        ValidationReport(validator="ours", findings=(finding,), html=""),
        dataset,
        ValidationConfig.model_validate({"quarantine": ["near_constant_images"]}),
        ("train", "validation"),
    )
    assert isinstance(selected, AnnotationTable)
    return selected, noted


def lineage_of(
    table: AnnotationTable, noted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[str | None, str | None]:
    inputs = {
        "trained": [SimpleNamespace(run_metadata=TRAINED)],
        "table": [SimpleNamespace(run_metadata=noted)],
    }
    context = SimpleNamespace(inputs=inputs, pipeline_run=SimpleNamespace(id="p1"))
    monkeypatch.setattr(build_bundle, "get_step_context", lambda: context)
    lineage = build_bundle._lineage(table)
    return lineage.data_digest, lineage.whole_data_digest


@pytest.mark.parametrize("has_quarantine", [False, True])
def test_both_digests_are_noted(
    dataset: DatasetConfig, monkeypatch: pytest.MonkeyPatch, has_quarantine: bool
) -> None:
    whole = load_annotations(dataset)
    gone = (str(whole.frame["path"][0]),) if has_quarantine else ()
    selected, noted = select(dataset, monkeypatch, *gone)
    assert len(selected) == len(whole) - len(gone)
    assert (selected.digest == whole.digest) is not has_quarantine
    assert lineage_of(selected, noted, monkeypatch) == (selected.digest, whole.digest)


def test_images_that_an_older_release_selected_have_no_second_digest(
    dataset: DatasetConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = load_annotations(dataset)
    assert lineage_of(table, {"left_out": {}}, monkeypatch) == (table.digest, None)
