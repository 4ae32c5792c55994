"""Packages a model version: the image of the service, and what it is checked for."""
