"""The drift check beside the service: it watches what is predicted and never stands in its way."""

from serving.drift.check import DriftCheck

__all__ = ["DriftCheck"]
