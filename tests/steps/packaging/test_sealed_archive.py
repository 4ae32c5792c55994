"""Tests of steps/packaging/sealed_archive.py: what differs in any byte is refused, and named."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from steps.packaging.containers import PackagingError
from steps.packaging.sealed_archive import (
    ArchiveDiffersError,
    Sealed,
    verify_sealed,
    write_sealed,
)
from vision.bundles.keys import SigningKey
from vision.bundles.signature import CHANGED, FOREIGN, SignatureError, sign

pytestmark = [pytest.mark.unit, pytest.mark.security]

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(32)), Path("one"))
OTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1"), Path("other"))
CONTENT = {
    "README.md": b"read me\n",
    "a/one.bin": b"1" * 700,
    "a/two words.txt": b"",
    "go.sh": b"x",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write(tmp_path / "made.tar", CONTENT)
    return tmp_path / "made.tar"


def write(target: Path, content: dict[str, bytes], key: SigningKey = KEY) -> Sealed:
    files = {}
    for index, (name, data) in enumerate(content.items()):
        files[name] = target.with_name(f"{target.name}-{index}")
        files[name].write_bytes(data)
    return write_sealed(target, "digits-v1", files, key)


def members(archive: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(archive) as tar:
        found = [(member, tar.extractfile(member)) for member in tar]
        return [(member, file.read() if file else b"") for member, file in found]


def rewrite(archive: Path, kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, data in kept:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    # tarfile fills up to 10 KiB.
    end = archive.read_bytes().rstrip(b"\0")
    archive.write_bytes(end + bytes(-len(end) % 512 + 1024))


def named(name: str, **attributes: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo(f"digits-v1/{name}")
    member.mtime, member.mode = 315_532_800, 0o644
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member


def test_it_is_read_by_the_usual_programs(archive: Path, tmp_path: Path) -> None:
    found = {member.name: (member, data) for member, data in members(archive)}
    assert [name.removeprefix("digits-v1/") for name in found] == [
        "SHA256SUMS", "SHA256SUMS.sig", "README.md", "a/one.bin", "a/two words.txt", "go.sh",
    ]  # fmt: skip
    for name, data in CONTENT.items():
        member, read = found[f"digits-v1/{name}"]
        assert (read, member.uid, member.gid, member.isreg()) == (data, 0, 0, True)
    assert found["digits-v1/go.sh"][0].mode == 0o755
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path], check=True)
    folder = tmp_path / "digits-v1"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)


def test_it_says_what_is_in_it(archive: Path) -> None:
    sealed = verify_sealed(archive, [OTHER.public, KEY.public])
    assert sealed == Sealed("digits-v1", 4, 709, KEY.public)
    assert list(archive.parent.glob(".*.part")) == []


def test_the_same_files_are_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    write(tmp_path / "again.tar", dict(reversed(CONTENT.items())))
    assert (tmp_path / "again.tar").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("first", [0, 3])
def test_every_flipped_byte_is_found(archive: Path, first: int) -> None:
    whole = archive.read_bytes()
    unnoticed = []
    # With a step of 1 it is a minute.
    for place in range(first, len(whole), 13):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1
        archive.write_bytes(spoilt)
        try:
            verify_sealed(archive, [KEY.public])
        except (ArchiveDiffersError, SignatureError):
            continue
        unnoticed.append(place)
    assert unnoticed == []


def test_every_cut_is_found(archive: Path) -> None:
    whole = archive.read_bytes()
    for length in range(0, len(whole), 257):
        archive.write_bytes(whole[:length])
        with pytest.raises((ArchiveDiffersError, SignatureError)):
            verify_sealed(archive, [KEY.public])


def changed(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept[3] = (kept[3][0], b"2" * 700)


def shorter(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept[3] = (kept[3][0], b"1" * 699)


def removed(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del kept[3]


def last_removed(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del kept[-1]


def twice(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept.append(kept[3])


def added(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept.insert(3, (named("evil.sh"), b"rm -rf"))


def added_last(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept.append((named("z"), b""))


def outside(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept.insert(3, (named("../../etc/cron.d/evil"), b"evil"))


def absolute(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    member = named("evil")
    member.name = "/etc/cron.d/evil"
    kept.insert(3, (member, b"evil"))


def link(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept[2] = (named("README.md", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")


def device(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept[2] = (named("README.md", type=tarfile.CHRTYPE), b"")


def folder_added(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept.insert(2, (named("a", type=tarfile.DIRTYPE), b""))


def set_uid(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    kept[5][0].mode = 0o4755


def no_list(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del kept[0]


def no_signature(kept: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del kept[1]


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (changed, "digits-v1/a/one.bin was changed"),
        (shorter, "digits-v1/a/one.bin was changed"),
        (removed, "digits-v1/a/one.bin is missing, or not in its place"),
        (last_removed, "digits-v1/go.sh is missing: its header cannot be read"),
        (twice, "something follows the last file"),
        (added, "'digits-v1/evil.sh' is not in the list; digits-v1/a/one.bin should be here"),
        (added_last, "something follows the last file"),
        (outside, "'digits-v1/../../etc/cron.d/evil' is not in the list"),
        (absolute, "'/etc/cron.d/evil' is not in the list"),
        (link, "digits-v1/README.md is no plain file, or its header was changed"),
        (device, "digits-v1/README.md is no plain file, or its header was changed"),
        (folder_added, "'digits-v1/a' is not in the list"),
        (set_uid, "digits-v1/go.sh is no plain file, or its header was changed"),
        (no_list, "does not begin with a SHA256SUMS: it is no bundle"),
        (no_signature, "'digits-v1/README.md' is not in the list; digits-v1/SHA256SUMS.sig"),
    ],
)
def test_the_first_file_that_differs_is_named(
    archive: Path, tamper: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], said: str
) -> None:
    kept = members(archive)
    tamper(kept)
    rewrite(archive, kept)
    with pytest.raises(ArchiveDiffersError) as caught:
        verify_sealed(archive, [KEY.public])
    assert said in str(caught.value)


def test_a_list_that_was_made_to_fit_is_not_signed(archive: Path) -> None:
    kept = members(archive)
    changed(kept)
    digests = [hashlib.sha256(CONTENT["a/one.bin"]), hashlib.sha256(b"2" * 700)]
    old, new = (each.hexdigest().encode() for each in digests)
    kept[0] = (kept[0][0], kept[0][1].replace(old, new))
    rewrite(archive, kept)
    with pytest.raises(SignatureError) as caught:
        verify_sealed(archive, [KEY.public])
    assert str(caught.value) == CHANGED


def test_another_signer_is_not_trusted(archive: Path) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_sealed(archive, [OTHER.public])
    assert str(caught.value) == FOREIGN


@pytest.mark.parametrize(
    "listed", ["../x", "/x", "a/../../x", "a//x", "./x", "SHA256SUMS", "x\n{0}  x", "z\n{0}  a"]
)
def test_even_a_signed_list_leads_nowhere_else(archive: Path, listed: str) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    data = f"{digest}  {listed.format(digest)}\n".encode()
    kept = members(archive)[:2]
    kept[0] = (kept[0][0], data)
    kept[1] = (kept[1][0], sign(data, KEY).model_dump_json().encode())
    rewrite(archive, kept)
    with pytest.raises(ArchiveDiffersError, match="SHA256SUMS"):
        verify_sealed(archive, [KEY.public])


def test_a_path_that_cannot_be_in_it_is_refused_when_it_is_written(tmp_path: Path) -> None:
    for path in ("../x", "a\\b", "a\nb", "SHA256SUMS"):
        with pytest.raises(PackagingError):
            write(tmp_path / "no.tar", {path: b""})
    assert not (tmp_path / "no.tar").exists()


def test_long_names_and_those_of_other_alphabets(tmp_path: Path) -> None:
    content = {"wheels/" + "x" * 150 + ".whl": b"1", "é.txt": b"2", "z": b"3"}
    archive = tmp_path / "long.tar"
    assert write(archive, content).n_files == 3
    found = {member.name.removeprefix("digits-v1/"): data for member, data in members(archive)}
    assert content.items() <= found.items()
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path], check=True)
    folder = tmp_path / "digits-v1"
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    whole = archive.read_bytes()
    for place in range(0, len(whole), 101):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1
        archive.write_bytes(spoilt)
        with pytest.raises((ArchiveDiffersError, SignatureError)):
            verify_sealed(archive, [KEY.public])


def test_a_large_file_is_read_piece_by_piece(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 << 20)
    tracemalloc.start()
    sealed = write_sealed(tmp_path / "large.tar", "r", {"large": tmp_path / "large"}, KEY)
    assert verify_sealed(tmp_path / "large.tar", [KEY.public]) == sealed
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sealed.n_bytes == 200 << 20
    assert most < 8 << 20


@pytest.mark.parametrize("data", [b"", b"not a tar file", bytes(20_000), b"\xff" * 600])
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "none.tar").write_bytes(data)
    with pytest.raises(ArchiveDiffersError):
        verify_sealed(tmp_path / "none.tar", [KEY.public])
