"""Shows what augmentation does to the training images."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from materializers.pages import image, page
from steps.caching import by_content, code_of
from vision.config import AugmentationConfig, ModelConfig
from vision.datasets.table import AnnotationTable

code = code_of(__name__)


@step(cache_policy=by_content(__name__))
def preview_augmentation(
    table: AnnotationTable, model: ModelConfig, augmentation: AugmentationConfig
) -> Annotated[HTMLString, "augmented_samples"]:
    """Draws a few training images beside their augmented variations."""
    from vision.samples import draw_augmentations  # brings Matplotlib, which takes a moment

    png = draw_augmentations(table, model.input_size, augmentation)
    return HTMLString(page("Augmentation", image(png, "training images and their augmentations")))
