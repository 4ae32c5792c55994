"""Near-duplicates: images that show the same picture in other bytes."""

from vision.validation.near_duplicates.search import find_near_duplicates

__all__ = ["find_near_duplicates"]
