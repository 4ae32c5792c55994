"""Brings a model version to running services, watches it there, and takes it back if need be."""
