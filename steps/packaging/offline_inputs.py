"""What goes into the archive for a machine without internet, where nobody names it."""

from __future__ import annotations

from pathlib import Path

from serving.models.store import bundle_folder
from steps.packaging.bento import build_bento, content_digest
from steps.packaging.image import BENTO_DIGEST_LABEL, BuiltImage
from steps.packaging.offline import OfflineRequest
from steps.packaging.record import newest_notes
from vision.bundles.champion import newest_champion
from vision.bundles.manifest import Manifest, read_manifest
from vision.errors import BundleError
from vision.progress import say


def find_inputs(model: Path | None, bento: Path | None, *, has_wheels: bool) -> OfflineRequest:
    """Finds the newest champion, builds its bento, and finds the image of both, if one was built.

    Args:
      model: a bundle's folder in place of the champion.
      bento: a built bento, in place of one that is built now.
      has_wheels: whether the packages are put in.

    Raises:
      BundleError: there is no champion.
      PackagingError: the bento cannot be built.
    """
    bundle = model or _champion()
    folder = bento or build_bento(bundle).folder
    image = find_image(read_manifest(bundle), content_digest(folder))
    return OfflineRequest(
        bundle,
        folder,
        image.archive if image else None,
        image.tag if image else "",
        has_wheels,
    )


def find_image(manifest: Manifest, bento_digest: str) -> BuiltImage | None:
    """Returns the image that was built last of a model version and a bento, and passed its test.

    An image of another bento has other code or other packages than the archive says. What is left
    out because it has not passed is said.

    Args:
      manifest: of the bundle.
      bento_digest: of the contents of the bento.
    """
    wanted = (manifest.name, manifest.version, bento_digest)
    for note in newest_notes():
        labels = note.built.labels
        named = (
            labels.get("visionstack.model.name"),
            labels.get("visionstack.model.version"),
            labels.get(BENTO_DIGEST_LABEL),
        )
        if named != wanted or not note.built.archive.is_file():
            continue
        if note.passed:
            return note.built
        why = "has not been tried (make image-test)" if note.passed is None else "failed its test"
        say(f"the image {note.built.tag} is left out: it {why}")
    return None


def _champion() -> Path:
    champion = newest_champion()
    if champion is None:
        raise BundleError("there is no champion yet; run `make demo`, or name a --model")
    return bundle_folder(champion.bento_model)
