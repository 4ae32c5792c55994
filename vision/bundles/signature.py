"""The signature of a bundle: ``manifest.sig`` beside ``manifest.json``.

It is JSON with ``algorithm`` (``ed25519``), ``key_id`` (:attr:`vision.bundles.keys.PublicKey.id`)
and ``signature`` (64 bytes as base64), over the exact bytes of ``manifest.json``. The manifest has
the checksum of every other file, so one signature is for the whole bundle; the manifest does not
list ``manifest.sig``. A bundle without it is complete, and merely not signed.

Refusals are constant sentences: they say what is wrong and nothing about what was found.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vision.bundles.keys import PublicKey, SigningKey
from vision.bundles.manifest import MANIFEST_FILE
from vision.bundles.plain import open_plain
from vision.bundles.put_into import put_into
from vision.errors import BundleError

SIGNATURE_FILE = "manifest.sig"

UNSIGNED = "the bundle is not signed; sign it with `python run.py bundle sign FOLDER`"
UNREADABLE = "the bundle's manifest.sig is no signature; sign the bundle again"
FOREIGN = "the bundle is signed with a key that is not trusted; add the key, or sign it again"
CHANGED = "the bundle's manifest is not what was signed; take the bundle from where it was made"

_SIGNATURE_BYTES = 64
# A manifest of 10,000 files has about 1.5 MB.
_MAX_BYTES = 64 << 20


class SignatureError(BundleError):
    """What was signed is not there, not signed, changed, or signed by somebody else."""


class Signature(BaseModel):
    """The contents of a signature's file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Literal["ed25519"] = "ed25519"
    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    signature: Annotated[str, Field(max_length=100)]


def sign(data: bytes, key: SigningKey) -> Signature:
    """Returns the signature of some bytes."""
    made = base64.b64encode(key.private.sign(data)).decode()
    return Signature(key_id=key.public.id, signature=made)


def find_signer(data: bytes, signature: Signature, keys: Sequence[PublicKey]) -> PublicKey:
    """Returns the key that signed exactly these bytes.

    Raises:
      SignatureError: the signature's key is not among ``keys``, or it did not sign these bytes.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = next((each for each in keys if each.id == signature.key_id), None)
    if key is None:
        raise SignatureError(FOREIGN)
    try:
        raw = base64.b64decode(signature.signature, validate=True)
        if len(raw) != _SIGNATURE_BYTES:
            raise ValueError("a signature has 64 bytes")
    except ValueError as error:
        raise SignatureError(UNREADABLE) from error
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(raw, data)
    except InvalidSignature as error:
        raise SignatureError(CHANGED) from error
    return key


def sign_bundle(folder: Path, key: SigningKey) -> Path:
    """Signs the manifest of a bundle as it is, durably, and returns the path of ``manifest.sig``.

    Raises:
      SignatureError: there is no manifest.
      OSError: the signature cannot be written.
    """
    signature = sign(_read(folder / MANIFEST_FILE), key)
    return put_into(folder, SIGNATURE_FILE, signature.model_dump_json(indent=2) + "\n")


def verify_bundle(folder: Path, keys: Sequence[PublicKey]) -> bytes:
    """Checks who signed the manifest of a bundle; the files are checked against it elsewhere.

    Returns:
      The bytes of the manifest that were signed.

    Raises:
      SignatureError: the bundle is not signed, signed by none of ``keys``, or its manifest is not
        the one that was signed; the message is one of four constant sentences.
    """
    if not (folder / SIGNATURE_FILE).exists():
        raise SignatureError(UNSIGNED)
    try:
        signature = Signature.model_validate_json(_read(folder / SIGNATURE_FILE))
    except ValidationError as error:
        raise SignatureError(UNREADABLE) from error
    manifest = _read(folder / MANIFEST_FILE)
    find_signer(manifest, signature, keys)
    return manifest


def _read(path: Path) -> bytes:
    try:
        with open_plain(path, follow_links=False) as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SignatureError(UNREADABLE) from error
    if len(data) > _MAX_BYTES:
        raise SignatureError(UNREADABLE)
    return data
