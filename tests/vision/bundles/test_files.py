"""Tests of vision/bundles/files.py."""

import hashlib
from pathlib import Path

import pytest

from vision.bundles.files import hash_file, list_files, verify_files
from vision.bundles.manifest import Manifest
from vision.errors import BundleError


def test_an_untouched_bundle_passes(folder: Path, manifest: Manifest) -> None:
    verify_files(folder, manifest)


def test_hash_and_size_of_a_file(tmp_path: Path) -> None:
    data = b"x" * (3 * 2**20 + 1)
    (tmp_path / "file").write_bytes(data)
    entry = hash_file(tmp_path / "file")
    assert (entry.sha256, entry.n_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_files_are_listed_without_the_manifest(folder: Path, manifest: Manifest) -> None:
    assert list_files(folder) == manifest.files
    assert list(manifest.files) == sorted(manifest.files)


def test_a_missing_file_is_named(folder: Path, manifest: Manifest) -> None:
    (folder / "golden/01.png").unlink()
    with pytest.raises(BundleError, match=r"golden/01\.png is missing; take the bundle from"):
        verify_files(folder, manifest)


def test_an_extra_file_is_named(folder: Path, manifest: Manifest) -> None:
    (folder / "golden/note.txt").write_text("hello")
    with pytest.raises(BundleError, match=r"golden/note\.txt is not in the manifest; remove"):
        verify_files(folder, manifest)


def test_one_flipped_bit_is_found(folder: Path, manifest: Manifest) -> None:
    data = bytearray((folder / "serving.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "serving.onnx").write_bytes(data)
    expected, found = manifest.files["serving.onnx"].sha256, hashlib.sha256(data).hexdigest()
    with pytest.raises(BundleError) as caught:
        verify_files(folder, manifest)
    assert f"serving.onnx was changed: expected {len(data)} bytes" in str(caught.value)
    assert expected in str(caught.value)
    assert found in str(caught.value)


def test_a_truncated_file_is_found(folder: Path, manifest: Manifest) -> None:
    data = (folder / "model.keras").read_bytes()
    (folder / "model.keras").write_bytes(data[:-1])
    message = (
        rf"model\.keras was changed: expected {len(data)} bytes .* found {len(data) - 1} bytes"
    )
    with pytest.raises(BundleError, match=message):
        verify_files(folder, manifest)


@pytest.mark.parametrize("name", ["model.keras", "golden"])
def test_symbolic_links_are_refused(folder: Path, manifest: Manifest, name: str) -> None:
    (folder / name).rename(folder.parent / "elsewhere")
    (folder / name).symlink_to(folder.parent / "elsewhere")
    with pytest.raises(BundleError, match=f"{name} is a symbolic link"):
        verify_files(folder, manifest)
