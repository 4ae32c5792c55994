"""Drift detection: whether images of today look like those that a model was checked with."""
