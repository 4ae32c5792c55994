"""Measures every image."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import step

from steps.caching import by_content, code_of
from vision import properties
from vision.datasets.table import AnnotationTable

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.property_table.PropertyTableMaterializer",
)
def compute_properties(table: AnnotationTable) -> Annotated[pd.DataFrame, "image_properties"]:
    """Computes brightness, contrast, sharpness and the other image properties."""
    return properties.compute_properties(table)
