"""What the model store could serve."""

from __future__ import annotations

from pathlib import Path

from serving.model_schema import StoredModel
from serving.models.store import bundle_folders
from vision.bundles.champion import read_champion
from vision.bundles.load import ServingModel
from vision.bundles.manifest import MANIFEST_FILE, Manifest, read_manifest
from vision.errors import BundleError

_Stamp = tuple[int, int, int]


class Listing:
    """Lists the bundles of the store; a manifest is read again only when its file has changed."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[_Stamp, Manifest | None]] = {}

    def list(self, served: ServingModel | None) -> tuple[StoredModel, ...]:
        """Returns every bundle with a manifest, newest first; its files are not looked at.

        Args:
          served: what this worker serves, which is marked.
        """
        known = {folder: self._read(folder) for folder in bundle_folders()}
        # Replaced in one assignment, since several requests may list at once.
        self._known = {folder: entry for folder, entry in known.items() if entry is not None}
        manifests = [manifest for _, manifest in self._known.values() if manifest is not None]
        champions = _champions({manifest.name for manifest in manifests})
        current = (served.manifest.name, served.manifest.version) if served else None
        models = [
            StoredModel(
                name=manifest.name,
                version=manifest.version,
                created_at=manifest.created_at,
                is_active=(manifest.name, manifest.version) == current,
                is_champion=(manifest.name, manifest.version) in champions,
            )
            for manifest in manifests
        ]
        return tuple(sorted(models, key=lambda model: model.created_at, reverse=True))

    def _read(self, folder: Path) -> tuple[_Stamp, Manifest | None] | None:
        try:
            found = (folder / MANIFEST_FILE).stat()
        except OSError:
            return None
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._known.get(folder)
        if known is not None and known[0] == stamp:
            return known
        try:
            return stamp, read_manifest(folder)
        except BundleError:
            # Another kind of model, or a copy under way; it cannot be served.
            return stamp, None


def _champions(names: set[str]) -> set[tuple[str, str]]:
    found = set()
    for name in names:
        try:
            champion = read_champion(name)
        except BundleError:
            # Said by whoever wants to serve it.
            continue
        if champion is not None:
            found.add((champion.name, champion.version))
    return found
