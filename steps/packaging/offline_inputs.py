"""What goes into the archive for a machine without internet, where nobody names it."""

from __future__ import annotations

from pathlib import Path

from serving.models.store import bundle_folder
from steps.packaging.containers import PackagingError
from steps.packaging.image import BuiltImage
from steps.packaging.offline import OfflineRequest
from steps.packaging.record import FOLDER, read_record
from vision.bundles.champion import newest_champion
from vision.bundles.manifest import Manifest, read_manifest
from vision.errors import BundleError
from vision.home import home


def find_inputs(model: Path | None, bento: Path | None, *, has_wheels: bool) -> OfflineRequest:
    """Finds the newest champion, its image if one was built, and builds its bento.

    Args:
      model: a bundle's folder in place of the champion.
      bento: a built bento, in place of one that is built now.
      has_wheels: whether the packages are put in.

    Raises:
      BundleError: there is no champion.
      PackagingError: the bento cannot be built.
    """
    bundle = model or _champion()
    image = find_image(read_manifest(bundle))
    return OfflineRequest(
        bundle,
        bento or _build(bundle),
        image.archive if image else None,
        image.tag if image else "",
        has_wheels,
    )


def find_image(manifest: Manifest) -> BuiltImage | None:
    """Returns the image that was built last for a model version, if its archive is still there."""
    wanted = (manifest.name, manifest.version)
    notes = sorted((home() / FOLDER).glob("*.json"), key=lambda path: -path.stat().st_mtime_ns)
    for note in notes:
        try:
            built, _ = read_record(note)
        except PackagingError:
            continue
        labels = built.labels
        named = (labels.get("visionstack.model.name"), labels.get("visionstack.model.version"))
        if named == wanted and built.archive.is_file():
            return built
    return None


def _champion() -> Path:
    champion = newest_champion()
    if champion is None:
        raise BundleError("there is no champion yet; run `make demo`, or name a --model")
    return bundle_folder(champion.bento_model)


def _build(bundle: Path) -> Path:
    from steps.packaging.bento import build_bento

    return build_bento(bundle).folder
