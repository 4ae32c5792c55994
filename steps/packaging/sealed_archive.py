"""One tar file whose every byte follows from a signed list of checksums.

All of it lies below one folder. First comes ``SHA256SUMS``, one ``<sha256>  <path>`` in each line,
which ``sha256sum --check`` reads; then ``SHA256SUMS.sig``, its signature as in
:mod:`vision.bundles.signature`; then the files in the list's order. The headers are those of
POSIX (pax, which long names need), with one time, owner 0, and nothing that is not a file. So a
file that is changed, missing or added, a path that leads outside, a link, or bytes that only some
other program would see, all show as a difference from the one archive that the list allows.

Reading and writing hold 1 MiB of a file in memory, and the list.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import ValidationError

from steps.packaging.containers import PackagingError
from vision.bundles.files import hash_file
from vision.bundles.keys import PublicKey, SigningKey
from vision.bundles.signature import Signature, find_signer, sign

LIST_FILE, SIGNATURE_FILE = "SHA256SUMS", "SHA256SUMS.sig"

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)
_CHUNK = 1 << 20
# The format's own field for the size ends here.
_MAX_FILE = 8 << 30
_MAX_LIST, _MAX_SIGNATURE = 16 << 20, 4096
# 1980-01-01, the oldest that every archive format can hold.
_EPOCH = 315_532_800
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<path>[^\x00-\x1f\x7f\\]+)")


class ArchiveDiffersError(PackagingError):
    """An archive is not the one that its signed list allows."""


@dataclass(frozen=True)
class Sealed:
    """An archive that was checked.

    Attributes:
      root: the folder below which everything lies.
      n_files: without list and signature.
      n_bytes: of them.
      key: that signed the list.
    """

    root: str
    n_files: int
    n_bytes: int
    key: PublicKey


def write_sealed(target: Path, root: str, files: Mapping[str, Path], key: SigningKey) -> Sealed:
    """Writes the archive, reads it again, and only then gives it its name.

    Args:
      target: where; a file of that name is replaced at the end.
      root: the folder in it.
      files: by their path in that folder.
      key: signs the list.

    Raises:
      PackagingError: a path cannot be in the archive, or a file has changed meanwhile.
      OSError: a file cannot be read, or the archive cannot be written.
    """
    sums = {path: hash_file(files[path]).sha256 for path in sorted(files)}
    listed = "".join(f"{sha256}  {path}\n" for path, sha256 in sums.items()).encode()
    _read_list(listed)
    signature = sign(listed, key).model_dump_json(indent=2).encode() + b"\n"
    partial = target.with_name(f".{target.name}.part")
    try:
        with partial.open("wb") as archive:
            _add(archive, f"{root}/{LIST_FILE}", BytesIO(listed), len(listed))
            _add(archive, f"{root}/{SIGNATURE_FILE}", BytesIO(signature), len(signature))
            for path in sums:
                with files[path].open("rb") as file:
                    _add(archive, f"{root}/{path}", file, files[path].stat().st_size)
            archive.write(_END)
        sealed = verify_sealed(partial, [key.public])
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return sealed


def verify_sealed(path: Path, keys: Sequence[PublicKey]) -> Sealed:
    """Checks that an archive is the one that its list allows, and that a trusted key signed that.

    Nothing is written, and nothing of a file is used before the list's signature is known.

    Raises:
      ArchiveDiffersError: it is not; the message names the first file that differs.
      SignatureError: nobody who is trusted signed the list.
      OSError: it cannot be read.
    """
    with path.open("rb") as archive:
        reader = _Reader(archive)
        first = reader.name_ahead()
        root, _, name = first.partition("/")
        if name != LIST_FILE or not _is_inside(root):
            raise ArchiveDiffersError(f"{path} does not begin with a {LIST_FILE}: it is no bundle")
        listed = reader.whole(first, _MAX_LIST)
        written = reader.whole(f"{root}/{SIGNATURE_FILE}", _MAX_SIGNATURE)
        try:
            signature = Signature.model_validate_json(written)
        except ValidationError as error:
            raise ArchiveDiffersError(f"{SIGNATURE_FILE} is no signature") from error
        key = find_signer(listed, signature, keys)
        sums = _read_list(listed)
        known = frozenset(f"{root}/{each}" for each in sums)
        n_bytes = sum(
            reader.check(f"{root}/{each}", sha256, known) for each, sha256 in sums.items()
        )
        reader.end()
    return Sealed(root, len(sums), n_bytes, key)


class _Reader:
    """Reads members, each of which must be the one that is expected."""

    def __init__(self, archive: IO[bytes]) -> None:
        self._archive = archive
        self._ahead = b""

    def name_ahead(self) -> str:
        """Returns the name of the next member."""
        return self._header(LIST_FILE).name

    def whole(self, name: str, at_most: int) -> bytes:
        """Returns the content of the next member, which must have this name."""
        size = self._take(name, frozenset())
        if size > at_most:
            raise ArchiveDiffersError(f"{name} is too large to be read")
        data = self._bytes(size, name)
        self._pad(size, name)
        return data

    def check(self, name: str, sha256: str, known: frozenset[str]) -> int:
        """Checks the next member, and returns its size."""
        size = self._take(name, known)
        digest, left = hashlib.sha256(), size
        while left:
            chunk = self._bytes(min(left, _CHUNK), name)
            digest.update(chunk)
            left -= len(chunk)
        self._pad(size, name)
        if digest.hexdigest() != sha256:
            raise ArchiveDiffersError(f"{name} was changed")
        return size

    def end(self) -> None:
        """Checks that nothing follows."""
        if self._ahead or self._archive.read(len(_END) + 1) != _END:
            raise ArchiveDiffersError("something follows the last file of the list, or is cut off")

    def _take(self, name: str, known: frozenset[str]) -> int:
        """Reads the header of the next member, which must be the one of this name."""
        begins = _header(name, 0)
        found = self._header(name)
        if found.name != tarfile.TarInfo.frombuf(begins[:_BLOCK], "utf-8", "strict").name:
            if found.name in known:
                raise ArchiveDiffersError(f"{name} is missing, or not in its place")
            raise ArchiveDiffersError(f"{found.name!r} is not in the list; {name} should be here")
        # A long name stands in blocks of its own, before the one that has the size.
        header = self._ahead + self._bytes(len(begins) - _BLOCK, name)
        self._ahead = header[-_BLOCK:]
        size = self._header(name).size
        self._ahead = b""
        if not 0 <= size < _MAX_FILE or header != _header(name, size):
            raise ArchiveDiffersError(f"{name} is no plain file, or its header was changed")
        return size

    def _header(self, name: str) -> tarfile.TarInfo:
        self._ahead = self._ahead or self._bytes(_BLOCK, name)
        try:
            return tarfile.TarInfo.frombuf(self._ahead, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise ArchiveDiffersError(
                f"{name} is missing: its header cannot be read ({error})"
            ) from error

    def _pad(self, size: int, name: str) -> None:
        if any(self._bytes(-size % _BLOCK, name)):
            raise ArchiveDiffersError(f"something is hidden behind {name}")

    def _bytes(self, size: int, name: str) -> bytes:
        data = self._archive.read(size)
        if len(data) != size:
            raise ArchiveDiffersError(f"{name} is cut off")
        return data


def _add(archive: IO[bytes], name: str, file: IO[bytes], size: int) -> None:
    if size >= _MAX_FILE:
        raise PackagingError(f"{name} has {size} bytes, and must have less than 8 GiB")
    archive.write(_header(name, size))
    while chunk := file.read(_CHUNK):
        archive.write(chunk)
    archive.write(bytes(-size % _BLOCK))


def _header(name: str, size: int) -> bytes:
    """Returns the one header that a file of this name and size may have."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, _EPOCH
    info.mode = 0o755 if name.endswith(".sh") else 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _read_list(data: bytes) -> dict[str, str]:
    """Returns the sha256 of each path; every path is plain, and stays inside."""
    sums: dict[str, str] = {}
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ArchiveDiffersError(f"{LIST_FILE} is no text") from error
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None or not _is_inside(found["path"]):
            raise ArchiveDiffersError(f"{LIST_FILE} has a line that cannot be: {line[:200]!r}")
        sums[found["path"]] = found["sha256"]
    reserved = {LIST_FILE, SIGNATURE_FILE} & sums.keys()
    if reserved or len(sums) != len(lines) or list(sums) != sorted(sums):
        raise ArchiveDiffersError(f"{LIST_FILE} is not sorted, or names a file twice or itself")
    return sums


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    is_plain = bool(path) and str(pure) == path and not pure.is_absolute()
    return is_plain and not {".", ".."} & set(pure.parts)
