"""Whose bundles are served: with ``VISIONSTACK_REQUIRE_SIGNATURE``, those of trusted keys alone.

Every bundle passes here, whoever asked for it, so the environment is read here and not handed on:
a caller that forgot to would serve what nobody signed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from serving.models.state import ModelRefused
from serving.settings import PREFIX
from vision.bundles.keys import KeyUnusableError, PublicKey, read_keys
from vision.bundles.manifest import Manifest
from vision.bundles.signature import CHANGED, SignatureError, verify_bundle

NO_KEYS = "no bundle is served: the service's trusted keys cannot be read; mend its settings"

_REQUIRED, _TRUSTED = f"{PREFIX}REQUIRE_SIGNATURE", f"{PREFIX}TRUSTED_KEYS"
# As the settings read it, which have refused everything else at the start.
_YES_OR_NO = TypeAdapter(bool)


def trusted_keys(environment: Mapping[str, str] = os.environ) -> tuple[PublicKey, ...] | None:
    """Returns the keys of which one must have signed a bundle; None where none has to.

    Raises:
      ModelRefused: ``signature``, the file of keys that was there at the start is gone or spoilt.
    """
    try:
        if not _YES_OR_NO.validate_python(environment.get(_REQUIRED) or "no"):
            return None
        return read_keys(environment.get(_TRUSTED) or "")
    except (KeyUnusableError, ValidationError) as error:
        raise ModelRefused("signature", NO_KEYS) from error


def trusted_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Returns the file of the trusted keys; it is not there where the keys are named themselves."""
    named = environment.get(_TRUSTED)
    try:
        return Path(named).expanduser() if named else None
    except RuntimeError:  # the home of somebody unknown
        return None


def check_signature(folder: Path, keys: tuple[PublicKey, ...]) -> bytes:
    """Checks who signed a bundle, and returns the manifest that was signed.

    Raises:
      ModelRefused: ``signature``, in a constant sentence.
    """
    try:
        return verify_bundle(folder, keys)
    except SignatureError as error:
        raise ModelRefused("signature", str(error)) from error


def check_unchanged(signed: bytes, manifest: Manifest) -> None:
    """Checks that what was loaded is what was signed, and was not put there in between.

    Raises:
      ModelRefused: ``signature``.
    """
    if Manifest.model_validate_json(signed) != manifest:
        raise ModelRefused("signature", CHANGED)
