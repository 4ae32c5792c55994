"""From a folder, a table or the bundled digits to one annotation table."""

from vision.datasets.load import dataset_digest, load_annotations
from vision.datasets.table import AnnotationTable

__all__ = ["AnnotationTable", "dataset_digest", "load_annotations"]
