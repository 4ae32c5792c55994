"""A bundle as an artifact: its folder, copied file by file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import heading, page, table
from vision.bundles.build import Bundle
from vision.bundles.files import verify_files
from vision.bundles.manifest import MANIFEST_FILE, Manifest, read_manifest
from vision.bundles.model_card import CARD_FILE
from vision.bundles.power_file import show_power
from vision.bundles.signature import SIGNATURE_FILE
from vision.errors import BundleError
from vision.home import home

SUMMARY_FILE = "summary.html"
POWER_PAGE_FILE = "drift_power.html"
_FOLDER = "bundle"


class BundleMaterializer(FileMaterializer):
    """The files of the bundle below ``bundle/``, under their own names."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (Bundle,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.MODEL

    def save(self, data: Bundle) -> None:
        """Writes every file of the manifest, a signature if there is one, the manifest last."""
        is_signed = (data.folder / SIGNATURE_FILE).is_file()
        for name in (*data.manifest.files, *[SIGNATURE_FILE] * is_signed, MANIFEST_FILE):
            self.write(f"{_FOLDER}/{name}", (data.folder / name).read_bytes())

    def load(self, data_type: type[Any]) -> Bundle:
        """Gives the bundle's own folder on this machine, fetched and verified where needed.

        Raises:
          BundleError: a file differs from the manifest.
        """
        manifest = Manifest.model_validate_json(self.read(f"{_FOLDER}/{MANIFEST_FILE}"))
        folder = home() / "bundles" / manifest.name / manifest.version
        if not _is_here(folder, manifest):
            self._fetch(manifest, folder)
        return Bundle(folder, manifest)

    def save_visualizations(self, data: Bundle) -> dict[str, VisualizationType]:
        """Shows the model card, what drift will be seen, and what the bundle holds."""
        shown = {}
        if CARD_FILE in data.manifest.files:
            card = (data.folder / CARD_FILE).read_bytes()
            shown[self.write(CARD_FILE, card)] = VisualizationType.MARKDOWN
        power = show_power(data.folder, data.manifest)
        if power is not None:
            shown[self.write(POWER_PAGE_FILE, power.encode())] = VisualizationType.HTML
        summary = self.write(SUMMARY_FILE, _summary(data.manifest).encode())
        return {**shown, summary: VisualizationType.HTML}

    def extract_metadata(self, data: Bundle) -> dict[str, Any]:
        """Gives name, version, lineage and parity."""
        manifest = data.manifest
        lineage = manifest.lineage.model_dump(exclude_none=True)
        return {
            "name": manifest.name,
            "version": manifest.version,
            "n_parameters": manifest.n_parameters,
            "n_bytes": sum(entry.n_bytes for entry in manifest.files.values()),
            "max_difference": manifest.parity.max_difference,
            **{f"lineage_{key}": value for key, value in lineage.items()},
        }

    def compute_content_hash(self, data: Bundle) -> str:
        """Hashes the manifest, which holds the checksum of every file."""
        return content_hash(data.manifest.model_dump_json())

    def _fetch(self, manifest: Manifest, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        is_signed = self.artifact_store.exists(self.uri_of(f"{_FOLDER}/{SIGNATURE_FILE}"))
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as waiting:
            copy = Path(waiting) / folder.name
            for name in (*manifest.files, *[SIGNATURE_FILE] * is_signed, MANIFEST_FILE):
                path = copy / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.read(f"{_FOLDER}/{name}"))
            verify_files(copy, manifest)
            if folder.exists():
                # A folder that differs from its manifest is kept for whoever looks for the cause.
                folder.rename(folder.with_name(f".damaged-{copy.parent.name}"))
            copy.rename(folder)


def _is_here(folder: Path, manifest: Manifest) -> bool:
    try:
        if read_manifest(folder) != manifest:
            return False
        verify_files(folder, manifest)
    except BundleError:
        return False
    return True


def _summary(manifest: Manifest) -> str:
    files = ((name, entry.n_bytes, entry.sha256) for name, entry in manifest.files.items())
    return page(
        f"{manifest.name} {manifest.version}",
        table(
            ("", ""),
            (
                ("architecture", manifest.architecture),
                ("input size", " × ".join(map(str, manifest.input_size)) + " px"),
                ("parameters", manifest.n_parameters),
                ("classes", ", ".join(manifest.classes)),
                ("difference to Keras", f"{manifest.parity.max_difference:.2g}"),
                ("golden images", manifest.parity.n_images),
            ),
        ),
        heading("Metrics"),
        table(("metric", "value"), manifest.metrics.items()),
        heading("Where it came from"),
        table(("", ""), manifest.lineage.model_dump().items()),
        heading("Made with"),
        table(("", ""), manifest.versions.model_dump().items()),
        heading("Files"),
        table(("file", "bytes", "sha256"), files),
    )
