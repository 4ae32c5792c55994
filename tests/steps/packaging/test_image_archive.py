from __future__ import annotations

from pathlib import Path

import pytest

from steps.packaging.containers import PackagingError
from steps.packaging.oci_archive import read_archive
from tests.steps.packaging.fake_builder import write_archive

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("packed", [False, True])
def test_layers_lie_on_each_other(tmp_path: Path, packed: bool) -> None:
    below = {"usr/bin/git": b"12345", "etc/a": b"1", "opt/x/one": b"1", "opt/x/two": b"2"}
    above = {"usr/bin/.wh.git": b"", "./opt/x/.wh..wh..opq": b"", "opt/x/three": b"333"}
    digest = write_archive(tmp_path / "image.tar", [below, above], packed=packed)

    saved = read_archive(tmp_path / "image.tar")

    assert saved.digest == digest
    assert saved.files == {"etc/a", "opt/x/three"}
    # Each a header and its contents, in whole blocks of 512 bytes; what removes is only a header.
    assert saved.n_bytes == 4 * 1024 + 2 * 512 + 1024
    assert saved.config == {"config": {"User": "10001:0"}}


def test_a_folder_that_is_removed_takes_its_files_along(tmp_path: Path) -> None:
    below = {"root/.cache/pip/a": b"1", "root/.cached": b"1"}
    write_archive(tmp_path / "image.tar", [below, {"root/.wh..cache": b""}])

    assert read_archive(tmp_path / "image.tar").files == {"root/.cached"}


@pytest.mark.fault
@pytest.mark.parametrize("contents", [b"", b"no archive"])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, contents: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(contents)

    with pytest.raises(
        PackagingError, match=r"image\.tar is no OCI archive .*save the image again"
    ):
        read_archive(path)
