"""Runs every drift detector, and MMD, on what was predicted."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from steps.caching import by_content, code_of
from steps.logged_periods import find_bundle
from vision.config import MonitoringConfig
from vision.errors import BundleError, ModelError
from vision.monitoring.checks import DriftChecks, VersionCheck
from vision.monitoring.evidence import gather_evidence, load_detectors
from vision.monitoring.traffic import Traffic, VersionTraffic

code = code_of(__name__, "vision.drift")


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.monitoring_checks.DriftChecksMaterializer",
)
def check_predictions(
    traffic: Traffic, monitoring: MonitoringConfig, seed: int = 0
) -> Annotated[DriftChecks, "drift_checks"]:
    """Tests the newest rows of each version, and those of each day.

    A version that cannot be tested stops nothing: the report says why.

    Args:
      traffic: what was predicted.
      monitoring: how many rows MMD compares, and below how many nothing is tested.
      seed: of the permutations.
    """
    return DriftChecks(
        tuple(_check(traffic.name, each, monitoring, seed) for each in traffic.versions)
    )


def _check(
    name: str, traffic: VersionTraffic, monitoring: MonitoringConfig, seed: int
) -> VersionCheck:
    if traffic.problem or traffic.period.n < monitoring.n_least:
        return VersionCheck(traffic.version, problem=traffic.problem)
    try:
        detectors = load_detectors(find_bundle(name, traffic.version))
        evidence = gather_evidence(
            traffic.period,
            detectors,
            n_mmd=monitoring.n_mmd,
            n_permutations=monitoring.n_permutations,
            seed=seed,
        )
    except (BundleError, ModelError) as error:
        return VersionCheck(traffic.version, problem=str(error))
    return VersionCheck(traffic.version, evidence)
