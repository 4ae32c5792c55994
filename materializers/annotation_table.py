"""Keeps an annotation table as parquet and shows what it holds."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash, local_folder
from materializers.pages import frame, heading, page, paragraph, table
from vision.datasets.table import AnnotationTable

TABLE_FILE = "annotations.parquet"
SAMPLES_FILE = "samples.png"
SUMMARY_FILE = "summary.html"

_N_SAMPLES = 40
_MOST_CLASSES_IN_METADATA = 100
_MOST_IMAGES_PER_PROBLEM = 20


class AnnotationTableMaterializer(FileMaterializer):
    """``annotations.parquet``; classes, folder and problems travel in its schema's metadata."""

    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (AnnotationTable,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: AnnotationTable) -> None:
        """Writes the table."""
        with local_folder() as folder:
            path = folder / TABLE_FILE
            data.to_parquet(path)
            self.write(TABLE_FILE, path.read_bytes())

    def load(self, data_type: type[Any]) -> AnnotationTable:
        """Reads the table; the images themselves stay where they are."""
        with self.as_local_file(TABLE_FILE) as path:
            return AnnotationTable.from_parquet(path)

    def save_visualizations(self, data: AnnotationTable) -> dict[str, VisualizationType]:
        """Shows images with their labels, counts, and files that were left out."""
        from vision.samples import draw_samples

        samples = self.write(SAMPLES_FILE, draw_samples(data, _N_SAMPLES))
        summary = self.write(SUMMARY_FILE, _summary(data).encode())
        return {samples: VisualizationType.IMAGE, summary: VisualizationType.HTML}

    def extract_metadata(self, data: AnnotationTable) -> dict[str, Any]:
        """Gives counts, classes and where the data came from."""
        return {
            "digest": data.digest,
            "source": dict(data.source),
            "n_images": len(data.frame),
            "n_classes": len(data.classes),
            "classes": list(data.classes[:_MOST_CLASSES_IN_METADATA]),
            "n_images_per_split": {
                str(split): int(count)
                for split, count in data.frame["split"].value_counts().items()
            },
            "problems": {finding.check: finding.n_images for finding in data.problems},
        }

    def compute_content_hash(self, data: AnnotationTable) -> str:
        """Hashes the digest and what was left out, not the folder: moved data stay the same."""
        problems = [finding.model_dump(mode="json") for finding in data.problems]
        return content_hash(data.digest, json.dumps(problems, sort_keys=True))


def _summary(data: AnnotationTable) -> str:
    counts = data.frame.pivot_table(
        index="label", columns="split", values="path", aggfunc="count", fill_value=0
    )
    facts = [("digest", data.digest), ("classes", len(data.classes)), *sorted(data.source.items())]
    return page(
        f"{len(data.frame):,} images",
        table(("", ""), facts),
        heading("Images of each class and split"),
        frame(counts, "class"),
        heading("Left out"),
        _problems(data),
    )


def _problems(data: AnnotationTable) -> str:
    if not data.problems:
        return paragraph("Every file could be read.")
    rows = (
        (finding.check, finding.severity, finding.message, _few(finding.images))
        for finding in data.problems
    )
    return table(("check", "severity", "what", "files"), rows)


def _few(images: tuple[str, ...]) -> str:
    more = len(images) - _MOST_IMAGES_PER_PROBLEM
    shown = ", ".join(images[:_MOST_IMAGES_PER_PROBLEM])
    return f"{shown} and {more:,} more" if more > 0 else shown
