from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from steps.packaging.containers import PackagingError, Tool
from steps.packaging.oci_archive import read_archive
from steps.packaging.saving import save_archive
from tests.steps.packaging.fake_builder import write_archive, write_fake_builder

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


def test_an_archive_that_skopeo_converts_has_the_name_that_a_cluster_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    write_archive(tmp_path / "own-format.tar", [{"etc/passwd": b"x"}])
    with tarfile.open(tmp_path / "docker.tar", "w") as archive:
        archive.add(tmp_path / "own-format.tar", "manifest.json")
    write_fake_builder(folder, "docker", tmp_path / "docker.tar")
    skopeo = folder / "skopeo"
    skopeo.write_text(
        f'#!/bin/sh\necho "$*" > {tmp_path}/asked\n'
        f'to=${{4#oci-archive:}}; cp {tmp_path}/own-format.tar "${{to%%.oci:*}}.oci"\n'
    )
    skopeo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    save_archive(Tool("docker", str(folder / "docker")), "visionstack:a-1", tmp_path / "image.tar")

    asked = (tmp_path / "asked").read_text().rstrip()
    assert asked.endswith(".image.tar.part.oci:docker.io/library/visionstack:a-1")
    assert read_archive(tmp_path / "image.tar").files
