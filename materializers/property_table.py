"""Keeps the image-property table as parquet.

ZenML would keep a data frame with its own materializer only where its pandas integration is
installed, and without a content hash; steps name this one instead.
"""

from __future__ import annotations

import io
from typing import Any, ClassVar

import pandas as pd
from zenml.enums import ArtifactType, VisualizationType

from materializers.files import FileMaterializer, content_hash
from materializers.pages import frame, page, paragraph

TABLE_FILE = "properties.parquet"
SUMMARY_FILE = "summary.html"
HISTOGRAMS_FILE = "histograms.png"


class PropertyTableMaterializer(FileMaterializer):
    """``properties.parquet``, histograms of each property and their summary."""

    # Not registered: another data frame is not an image-property table.
    SKIP_REGISTRATION: ClassVar[bool] = True
    ASSOCIATED_TYPES: ClassVar[tuple[type[Any], ...]] = (pd.DataFrame,)
    ASSOCIATED_ARTIFACT_TYPE: ClassVar[ArtifactType] = ArtifactType.DATA

    def save(self, data: pd.DataFrame) -> None:
        """Writes the table."""
        self.write(TABLE_FILE, to_parquet(data))

    def load(self, data_type: type[Any]) -> pd.DataFrame:
        """Reads the table."""
        return from_parquet(self.read(TABLE_FILE))

    def save_visualizations(self, data: pd.DataFrame) -> dict[str, VisualizationType]:
        """Shows a histogram of each property and its quartiles."""
        from vision.figures import property_histograms

        histograms = self.write(HISTOGRAMS_FILE, property_histograms(data))
        summary = self.write(SUMMARY_FILE, _summary(data).encode())
        return {histograms: VisualizationType.IMAGE, summary: VisualizationType.HTML}

    def extract_metadata(self, data: pd.DataFrame) -> dict[str, Any]:
        """Gives the size and the mean of each numeric property."""
        means = data.select_dtypes("number").mean()
        return {
            "n_images": len(data),
            "columns": list(data.columns),
            "means": {name: float(value) for name, value in means.items() if value == value},
        }

    def compute_content_hash(self, data: pd.DataFrame) -> str:
        """Hashes names, types and every value."""
        return frame_hash(data)


def to_parquet(data: pd.DataFrame) -> bytes:
    """Returns the table as a parquet file."""
    buffer = io.BytesIO()
    data.to_parquet(buffer, index=False)
    return buffer.getvalue()


def from_parquet(content: bytes) -> pd.DataFrame:
    """Reads what :func:`to_parquet` gave."""
    return pd.read_parquet(io.BytesIO(content))


def frame_hash(data: pd.DataFrame) -> str:
    """Hashes names, types and every value of a data frame, row by row."""
    types = ",".join(f"{name}:{dtype}" for name, dtype in data.dtypes.items())
    rows = pd.util.hash_pandas_object(data, index=False).to_numpy().tobytes()
    return content_hash(types, rows)


def _summary(data: pd.DataFrame) -> str:
    described = data.select_dtypes("number").describe().T.drop(columns="count", errors="ignore")
    return page(
        "Image properties", paragraph(f"{len(data):,} images"), frame(described, "property")
    )
