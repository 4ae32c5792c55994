"""Builds the bento of the code as it is with packages that somebody names."""

from __future__ import annotations

from pathlib import Path

from steps.packaging.bento import build_from
from steps.packaging.bento_inputs import read_inputs


def build_bento_now(requirements: str) -> Path:
    """Builds a bento with BentoML, and returns its folder in BentoML's store.

    Args:
      requirements: the file of its packages, relative to the repository; :func:`build_bento
        <steps.packaging.bento.build_bento>` takes that of the bundle's drift detectors.

    Raises:
      PackagingError: BentoML failed; the message ends with what it said.
    """
    return build_from(read_inputs(requirements, {}))
