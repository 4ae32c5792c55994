"""Tests of vision/bundles/manifest.py."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.fake_bundle import NAME, VERSION, seal, write_fake_bundle
from vision.bundles.manifest import (
    Manifest,
    check_id,
    read_labels,
    read_manifest,
    write_manifest,
)
from vision.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_fake_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_manifest_survives_writing_and_reading(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    assert manifest == seal(bundle)
    assert (manifest.name, manifest.version) == (NAME, VERSION)
    assert manifest.created_at.isoformat() == "2026-01-01T12:00:00+00:00"
    assert sorted(manifest.files) == [
        "golden/00.png",
        "golden/01.png",
        "golden/02.png",
        "golden/expected.json",
        "labels.json",
        "model.keras",
        "reference.parquet",
        "serving.onnx",
    ]


def test_a_manifest_cannot_be_changed(bundle: Path) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_manifest(bundle).name = "other"


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is no bundle: it has no manifest\.json; take the"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("surprise", 1, "surprise: Extra inputs are not permitted"),
        ("schema_version", 2, "schema_version: Input should be 1"),
        ("name", "../up", "name: String should match pattern"),
        ("name", "x" * 65, "name: String should match pattern"),
        ("classes", ["one"], "classes: Tuple should have at least 2 items"),
        ("classes", ["a", "a"], "class names must be unique"),
        ("created_at", "2026-01-01T12:00:00", "created_at: Input should have timezone info"),
        ("files", {"../x": {"sha256": "0" * 64, "n_bytes": 1}}, "must be relative and stay inside"),
        ("files", {"/etc/x": {"sha256": "0" * 64, "n_bytes": 1}}, "must be relative"),
        ("files", {"a/./b": {"sha256": "0" * 64, "n_bytes": 1}}, "must be relative"),
        ("files", {"a\\b": {"sha256": "0" * 64, "n_bytes": 1}}, "must be relative"),
        ("files", {"manifest.json": {"sha256": "0" * 64, "n_bytes": 1}}, "cannot list itself"),
        ("files", {"a": {"sha256": "0", "n_bytes": 1}}, r"files\.a\.sha256: String should match"),
    ],
)
def test_a_wrong_manifest_is_refused(bundle: Path, key: str, value: object, message: str) -> None:
    content = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(content | {key: value}))
    with pytest.raises(BundleError, match=f"no valid manifest: .*{message}"):
        read_manifest(bundle)


def test_half_a_manifest_is_refused(bundle: Path) -> None:
    path = bundle / "manifest.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BundleError, match="no valid manifest: the file: Invalid JSON"):
        read_manifest(bundle)


def test_write_manifest_puts_one_key_on_a_line(bundle: Path) -> None:
    path = write_manifest(bundle, read_manifest(bundle))
    assert path == bundle / "manifest.json"
    assert f'  "name": "{NAME}",\n' in path.read_text()
    assert Manifest.model_validate_json(path.read_text()) == read_manifest(bundle)


@pytest.mark.parametrize("value", ["digits", "a.b_c-d", "A" * 64, "20260101-120000-0badcafe"])
def test_ids_that_are_allowed(value: str) -> None:
    assert check_id(value, "version") == value


@pytest.mark.parametrize("value", ["", ".", "..", "a/b", "a b", "s3://x", "a\n", "x" * 65, "é"])
def test_ids_that_are_refused(value: str) -> None:
    with pytest.raises(BundleError, match=r"version .*: 1 to 64 of A-Z"):
        check_id(value, "version")


@pytest.mark.parametrize("text", ['{"0": "a"}', "[1, 2]", "[", ""])
def test_labels_must_be_a_list_of_names(bundle: Path, text: str) -> None:
    (bundle / "labels.json").write_text(text)
    with pytest.raises(BundleError, match=r"labels\.json"):
        read_labels(bundle)
