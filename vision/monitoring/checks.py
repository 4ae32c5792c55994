"""What the steps of monitoring hand on: tests by version, and findings about image properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vision.monitoring.evidence import Evidence


@dataclass(frozen=True)
class VersionCheck:
    """What the tests say about one model version.

    Attributes:
      version: the model's version.
      evidence: the tests; without any where there are too few predictions.
      problem: why it could not be tested; empty where it could.
    """

    version: str
    evidence: Evidence = field(default_factory=Evidence)
    problem: str = ""


@dataclass(frozen=True)
class DriftChecks:
    """The tests of all versions, in the order of the traffic."""

    versions: tuple[VersionCheck, ...] = ()


@dataclass(frozen=True)
class PropertyChecks:
    """What the stack's data validator says about the image properties.

    Attributes:
      validator: its flavor.
      findings: by model version, and then by property: a sentence on each that moved.
    """

    validator: str = ""
    findings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
