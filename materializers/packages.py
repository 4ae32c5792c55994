"""A bento, its test and the image, and how they are kept: as JSON, shown as a page.

The packages themselves stay where they were built: in BentoML's store and in the builder's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import heading, page, paragraph, table
from vision.packages import BentoTest, BuiltBento, ImageResult

PACKAGE_FILE = "package.json"
PAGE_FILE = "package.html"


class _PackageMaterializer(FileMaterializer):
    """``package.json`` and a page."""

    SKIP_REGISTRATION: ClassVar[bool] = True

    def save(self, data: BaseModel) -> None:
        """Writes all fields."""
        self.write(PACKAGE_FILE, data.model_dump_json(indent=2).encode())

    def load(self, data_type: type[Any]) -> Any:
        """Reads them."""
        return self.ASSOCIATED_TYPES[0].model_validate_json(self.read(PACKAGE_FILE))

    def save_visualizations(self, data: Any) -> dict[str, VisualizationType]:
        """Shows the page."""
        return {self.write(PAGE_FILE, package_page(data).encode()): VisualizationType.HTML}

    def extract_metadata(self, data: BaseModel) -> dict[str, Any]:
        """Gives every field that is one text or number."""
        fields = data.model_dump(mode="json")
        return {key: value for key, value in fields.items() if isinstance(value, (str, int, float))}

    def compute_content_hash(self, data: BaseModel) -> str:
        """Hashes all fields."""
        return content_hash(data.model_dump_json())


class BuiltBentoMaterializer(_PackageMaterializer):
    """A bento's tag, folder, digest and labels."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (BuiltBento,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.SERVICE


class BentoTestMaterializer(_PackageMaterializer):
    """What trying a bento has shown."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (BentoTest,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA_ANALYSIS


class ImageResultMaterializer(_PackageMaterializer):
    """An image's tag, digest, packages and test, or why there is none."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (ImageResult,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.SERVICE


def package_page(data: BuiltBento | BentoTest | ImageResult) -> str:
    """Returns a package or its test as a complete HTML page."""
    if isinstance(data, BuiltBento):
        return _bento_page(data)
    return _test_page(data) if isinstance(data, BentoTest) else _image_page(data)


def _bento_page(data: BuiltBento) -> str:
    rows = {
        "folder": data.folder,
        "digest": data.digest,
        "size": _megabytes(data.n_bytes),
        "packages": data.requirements,
        "differs when built again": ", ".join(data.differs),
    }
    return page(f"Bento {data.tag}", _facts(rows), heading("Labels"), _facts(data.labels))


def _test_page(data: BentoTest) -> str:
    rows = {
        "model": data.model,
        "packages in its environment": data.n_packages,
        "start to ready, s": data.cold_start_s,
        "memory": _megabytes(data.memory_bytes),
        "golden images asked": data.n_golden,
        "largest difference of a probability": data.golden_difference,
        "series in /metrics": data.n_series,
        "SIGTERM to the end, s": data.stop_s,
        "exit status": data.exit_code,
    }
    return page(
        f"Bento {data.tag}: {'passed' if data.passed else 'failed'}",
        *map(paragraph, data.problems),
        _facts(rows),
        heading("Bad images"),
        table(("image", "status"), data.bad_images.items()),
    )


def _image_page(data: ImageResult) -> str:
    if data.tag is None:
        return page("No image", paragraph(data.sentence))
    test = data.test or {}
    rows = {
        "digest": data.digest,
        "size": _megabytes(data.n_bytes),
        "builder": data.builder,
        "archive": data.archive,
        "in the registry": data.pushed_to,
        "start to ready, s": test.get("cold_start_s"),
        "memory": _megabytes(test.get("memory_bytes")),
        "not checked here": ", ".join(test.get("not_checked", ())) or None,
    }
    return page(
        f"Image {data.tag}",
        paragraph(data.sentence),
        _facts(rows),
        heading("Labels"),
        _facts(data.labels),
        heading("Packages"),
        table(("package", "version"), sorted(data.packages.items())),
    )


def _facts(rows: Mapping[str, object]) -> str:
    return table(("", ""), rows.items())


def _megabytes(n_bytes: int | None) -> str | None:
    return None if n_bytes is None else f"{n_bytes / 1e6:.1f} MB"
