"""Likely wrong labels: images whose class the other images contradict."""

from vision.validation.wrong_labels.likely import likely_wrong_labels

__all__ = ["likely_wrong_labels"]
