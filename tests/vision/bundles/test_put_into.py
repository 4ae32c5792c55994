"""Tests of vision/bundles/put_into.py: a bundle that is signed is complete at every moment."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fake_bundle import write_fake_bundle
from vision.bundles.files import verify_files
from vision.bundles.keys import KEY_VARIABLE, open_key
from vision.bundles.manifest import read_manifest
from vision.bundles.put_into import put_into
from vision.bundles.signature import SIGNATURE_FILE, sign_bundle, verify_bundle
from vision.home import repository

pytestmark = [pytest.mark.unit, pytest.mark.fault]

# The process ends at the n-th of the calls that change something, as kill -9 would end it.
SIGN_AND_DIE = """
import os, sys
from pathlib import Path
from vision.bundles.keys import open_key
from vision.bundles.signature import sign_bundle
key, left = open_key(), [int(sys.argv[2])]
WATCHED = {"open", "os.mkdir", "os.rename", "os.chmod", "os.remove", "os.rmdir"}
is_signing = False
def watch(event, words):
    if is_signing and event in WATCHED and "bundle" in str(words[0]):
        left[0] -= 1
        if left[0] < 0:
            os._exit(137)
sys.addaudithook(watch)
is_signing = True
sign_bundle(Path(sys.argv[1]), key)
"""


@pytest.fixture
def bundle(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    write_fake_bundle(tmp_path / "bundles" / "v1")
    return tmp_path / "bundles" / "v1"


def fail_with(number: int) -> Callable[..., Any]:
    def fail(*words: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_signature_is_as_readable_as_the_manifest(bundle: Path) -> None:
    for mode in (0o644, 0o640):
        (bundle / "manifest.json").chmod(mode)
        path = sign_bundle(bundle, open_key())
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert [each.name for each in bundle.parent.iterdir()] == ["v1"]


def test_the_folder_may_be_the_present_one(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle)
    sign_bundle(Path(), open_key())
    verify_files(bundle, read_manifest(bundle))
    assert (bundle / SIGNATURE_FILE).is_file()


def test_nothing_else_is_ever_in_the_bundle(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, seen = read_manifest(bundle), list[bytes]()
    put_into(bundle, SIGNATURE_FILE, "old")
    original = os.fsync

    def look(handle: int) -> None:
        verify_files(bundle, manifest)
        seen.append((bundle / SIGNATURE_FILE).read_bytes())
        original(handle)

    monkeypatch.setattr(os, "fsync", look)
    put_into(bundle, SIGNATURE_FILE, "new")
    # The file, the folder that it was made in, and the bundle that it was moved to.
    assert seen == [b"old", b"old", b"new"]


@pytest.mark.security
@pytest.mark.parametrize("is_signed", [False, True])
def test_a_signer_that_is_killed_leaves_a_bundle_that_can_be_served_and_signed(
    bundle: Path, is_signed: bool
) -> None:
    key, manifest = open_key(), read_manifest(bundle)
    endings = []
    for n_calls in range(30):
        (bundle / SIGNATURE_FILE).unlink(missing_ok=True)
        if is_signed:
            sign_bundle(bundle, key)
        command = [sys.executable, "-c", SIGN_AND_DIE, str(bundle), str(n_calls)]
        endings.append(subprocess.run(command, cwd=repository(), check=False).returncode)
        verify_files(bundle, manifest)
        if is_signed or (bundle / SIGNATURE_FILE).exists():
            verify_bundle(bundle, [key.public])
        if endings[-1] == 0:
            break
    assert set(endings[:-1]) == {137}
    assert (endings[-1], len(endings) > 5) == (0, True)
    sign_bundle(bundle, key)
    verify_bundle(bundle, [key.public])


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_where_nothing_can_be_beside_it_the_file_is_written_in_its_place(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(tempfile, "mkdtemp", fail_with(number))
    for text in ("old", "new"):
        assert put_into(bundle, SIGNATURE_FILE, text).read_text() == text
    verify_files(bundle, read_manifest(bundle))
    mode = stat.S_IMODE((bundle / SIGNATURE_FILE).stat().st_mode)
    assert mode == stat.S_IMODE((bundle / "manifest.json").stat().st_mode)


def test_a_bundle_that_is_a_file_system_of_its_own(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if path.parent.parent == bundle.parent and target.parent == bundle:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    assert put_into(bundle, SIGNATURE_FILE, "signed").read_text() == "signed"
    assert [each.name for each in bundle.parent.iterdir()] == ["v1"]


def test_in_its_place_a_pipe_is_not_written_to(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "mkdtemp", fail_with(errno.EACCES))
    os.mkfifo(bundle / SIGNATURE_FILE)
    assert put_into(bundle, SIGNATURE_FILE, "signed").read_text() == "signed"


def test_a_full_disk_is_told_and_the_old_signature_stays(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into(bundle, SIGNATURE_FILE, "old")
    monkeypatch.setattr(os, "write", fail_with(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"):
        put_into(bundle, SIGNATURE_FILE, "new")
    assert (bundle / SIGNATURE_FILE).read_text() == "old"
    assert [each.name for each in bundle.parent.iterdir()] == ["v1"]
