"""What the refusal of a bundle rests on: once that has changed, the bundle is worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.models.locate import Signature, file_signature
from serving.models.state import ModelRefused, Reason
from serving.models.store import bundle_folder
from serving.models.trust import trusted_file
from vision.bundles.manifest import MANIFEST_FILE
from vision.bundles.signature import SIGNATURE_FILE
from vision.errors import BundleError


@dataclass(frozen=True)
class Refusal:
    """A bundle that cannot be served.

    Attributes:
      rests_on: what :func:`look_at` has found before the bundle was tried.
      reason: of the refusal.
      message: in words.
    """

    rests_on: Signature
    reason: Reason
    message: str

    def again(self) -> ModelRefused:
        """Returns the refusal, to be raised once more."""
        return ModelRefused(self.reason, self.message)


def look_at(folder: Path) -> Signature:
    """Returns what differs once a bundle was signed again or replaced, or the trusted keys were."""
    files = (folder / MANIFEST_FILE, folder / SIGNATURE_FILE, trusted_file())
    return tuple(None if path is None else file_signature(path) for path in files)


def look_at_stored(tag: str) -> Signature:
    """Returns the same of a bundle in the store; nothing where it is not there."""
    try:
        return look_at(bundle_folder(tag))
    except BundleError:
        return ()
