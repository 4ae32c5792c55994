"""Tests of vision/bundles/plain.py: what is no plain file is neither opened nor waited for."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vision.bundles.in_time import in_time
from vision.bundles.files import hash_file, list_files, verify_files
from vision.bundles.manifest import Manifest, read_labels, read_manifest
from vision.bundles.plain import open_plain, read_plain
from vision.errors import BundleError

pytestmark = [pytest.mark.unit, pytest.mark.fault]


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # The path of a socket has at most 107 letters.
    with tempfile.TemporaryDirectory(dir="/tmp") as near, socket.socket(socket.AF_UNIX) as made:
        made.bind(f"{near}/socket")
        Path(near, "socket").rename(path)


KINDS = {"pipe": make_pipe, "socket": make_socket}


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    with in_time():
        yield


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Makes a file that is no plain one."""
    return KINDS[request.param]


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_plain(tmp_path / "file") == read_plain(tmp_path / "link") == b"12345"
    with pytest.raises(OSError, match="it is no plain file"):
        open_plain(tmp_path / "link", follow_links=False)
    with pytest.raises(FileNotFoundError):
        read_plain(tmp_path / "none")


def test_anything_else_is_not_even_opened(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    monkeypatch.setattr(os, "open", None)
    for path in (tmp_path / "file", tmp_path / "link", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match=f"it is no plain file: '{path}'"):
            read_plain(path)


def test_what_is_exchanged_before_it_is_opened_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    original, handles = os.open, list[int]()

    def and_before_that_exchange(path: Path, flags: int) -> int:
        path.unlink()
        os.mkfifo(path)
        handles.append(original(path, flags))
        return handles[0]

    monkeypatch.setattr(os, "open", and_before_that_exchange)
    with pytest.raises(OSError, match="it is no plain file"):
        read_plain(tmp_path / "file")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])


@pytest.mark.parametrize("name", ["labels.json", "golden/01.png", "serving.onnx"])
def test_in_the_place_of_a_file_it_is_refused(
    folder: Path, manifest: Manifest, make: Callable[[Path], None], name: str
) -> None:
    (folder / name).unlink()
    make(folder / name)
    with pytest.raises(BundleError) as caught:
        verify_files(folder, manifest)
    assert str(caught.value) == (
        f"{folder}: {name} is no plain file, but a pipe, socket or device; take the bundle from "
        "the model store again, or make a new one"
    )
    with pytest.raises(BundleError, match=f"{name} is no plain file"):
        list_files(folder)
    with pytest.raises(OSError, match="it is no plain file"):
        hash_file(folder / name)


@pytest.mark.parametrize("name", ["more", "golden/more", "manifest.sig"])
def test_as_one_file_more_it_is_refused(
    folder: Path, manifest: Manifest, make: Callable[[Path], None], name: str
) -> None:
    make(folder / name)
    with pytest.raises(BundleError, match=f"{name} is no plain file"):
        verify_files(folder, manifest)


def test_in_the_place_of_the_manifest_or_the_labels_it_is_refused(
    folder: Path, manifest: Manifest, make: Callable[[Path], None]
) -> None:
    for name in ("manifest.json", "labels.json"):
        (folder / name).unlink()
        make(folder / name)
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read \(it is no plain file\)"):
        read_manifest(folder)
    with pytest.raises(BundleError, match=r"labels\.json cannot be read .*it is no plain file"):
        read_labels(folder)
