"""The passport of a model version: what it is, where it came from and what is known about it."""
