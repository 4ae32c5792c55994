"""Keras models: architectures, building, and loading in safe mode."""
