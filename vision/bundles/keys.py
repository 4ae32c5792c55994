"""The key that signs bundles, and the keys that are trusted.

A signing key is an Ed25519 private key in a PEM file that only its owner can read:
``home()/keys/signing.pem``, made on first use, or the file that ``VISIONSTACK_SIGNING_KEY`` names.
Beside it lies the public key, ``signing.pub``: 32 bytes as base64 on one line, which is also how
trusted keys are written; it follows the signing key where that is exchanged. A key's id is the
beginning of the sha256 of those 32 bytes.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vision.bundles.public_file import publish_key
from vision.errors import BundleError
from vision.home import folder, home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

logger = logging.getLogger("visionstack")

KEY_VARIABLE = "VISIONSTACK_SIGNING_KEY"
FOLDER, KEY_FILE = "keys", "signing.pem"

_PUBLIC_SUFFIX = ".pub"
_KEY_BYTES = 32
_ID_DIGITS = 16
_MAX_FILE_BYTES = 65_536


class KeyUnusableError(BundleError):
    """A key cannot be read, written or used."""


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with.

    Attributes:
      raw: its 32 bytes.
    """

    raw: bytes

    @property
    def id(self) -> str:
        """16 hexadecimal digits that name the key."""
        return hashlib.sha256(self.raw).hexdigest()[:_ID_DIGITS]

    @property
    def text(self) -> str:
        """Returns it as base64, as it is written in ``VISIONSTACK_TRUSTED_KEYS``."""
        return base64.b64encode(self.raw).decode()


@dataclass(frozen=True)
class SigningKey:
    """A private key.

    Attributes:
      private: the key.
      path: its file.
      is_new: whether it was made just now.
    """

    private: Ed25519PrivateKey
    path: Path
    is_new: bool = False

    @property
    def public(self) -> PublicKey:
        """What checks its signatures."""
        return PublicKey(self.private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey({str(self.path)!r}, id={self.public.id})"


def key_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns where the signing key is; it may not exist yet."""
    chosen = environment.get(KEY_VARIABLE)
    return Path(chosen).expanduser() if chosen else home() / FOLDER / KEY_FILE


def public_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Returns where the public key lies: beside the signing key."""
    return key_path(environment).with_suffix(_PUBLIC_SUFFIX)


def open_key() -> SigningKey:
    """Returns this machine's signing key, which is made if there is none yet.

    Raises:
      KeyUnusableError: it cannot be read or written, is no Ed25519 key, or others can read it; or
        ``VISIONSTACK_SIGNING_KEY`` names no file, since a key that somebody asked for is not
        replaced by another, or a file with the name of the public key.
    """
    path = key_path()
    if path.suffix == _PUBLIC_SUFFIX:
        raise KeyUnusableError(
            f"{KEY_VARIABLE} = {str(path)!r}: the public key gets this name; give the signing key "
            "another ending than .pub, for example .pem"
        )
    try:
        is_new = not path.exists() and _make(path)
        key = SigningKey(_read(path), path, is_new)
        publish_key(public_path(), key.public.text)
    except OSError as error:
        raise KeyUnusableError(
            f"the signing key {path} cannot be used ({error.strerror}); name another file in "
            f"{KEY_VARIABLE}"
        ) from error
    if is_new:
        logger.info("Made the signing key %s; its public key is %s", path, key.public.text)
    return key


def read_keys(text: str) -> tuple[PublicKey, ...]:
    """Returns the keys that ``text`` names: base64 with commas between, or a file, one in a line.

    In a file, what follows a ``#`` is left out.

    Raises:
      KeyUnusableError: there is none, or one of them is no public key.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and parts[0] and _decode(parts[0]) is None:
        parts = _lines(Path(text).expanduser())
    keys = []
    for part in filter(None, parts):
        raw = _decode(part)
        if raw is None:
            raise KeyUnusableError(
                f"{part[:60]!r} is no public key; write the line of a signing.pub file, or several "
                "with commas between, or name a file with one in each line"
            )
        keys.append(PublicKey(raw))
    if not keys:
        raise KeyUnusableError("there is no public key; write one, or name a file that has one")
    return tuple(keys)


def _make(path: Path) -> bool:
    """Makes a key; False where another process was faster, whose key it then is."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if os.environ.get(KEY_VARIABLE):
        raise KeyUnusableError(
            f"{KEY_VARIABLE} = {str(path)!r}: there is no such file; name a key, or unset it to "
            "have one made"
        )
    folder(FOLDER).chmod(0o700)
    data = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # mkstemp makes files that only their owner can read.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".signing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces a key that is there.
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        Path(temporary).unlink()
    return True


def _read(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if path.stat().st_mode & 0o077:
        raise KeyUnusableError(
            f"others can read the signing key {path}; make it yours alone: chmod 600 {path}"
        )
    wrong = KeyUnusableError(
        f"{path} is no Ed25519 private key without a password; "
        "`openssl genpkey -algorithm ed25519` writes one"
    )
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise wrong from error
    if not isinstance(key, Ed25519PrivateKey):
        raise wrong
    return key


def _decode(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if len(raw) == _KEY_BYTES else None


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError, ValueError):
        # Neither a file nor a key: told as a key that is none.
        return [str(path)]
    return [line.partition("#")[0].strip() for line in text.splitlines()]
