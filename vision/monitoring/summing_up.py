"""From what the steps of monitoring found to one report, whatever could not be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from vision.bundles.manifest import Manifest
from vision.config.monitoring import MonitoringConfig
from vision.errors import BundleError
from vision.monitoring.checks import DriftChecks, PropertyChecks, VersionCheck
from vision.monitoring.evidence import Evidence
from vision.monitoring.reference import ReferenceSet
from vision.monitoring.report import HistoryEntry, MonitoringReport, VersionReport
from vision.monitoring.traffic import Traffic, VersionTraffic
from vision.monitoring.verdict import failed_version, judge_version, silent_version
from vision.wording import count

# Gives manifest and reference set of a version.
Find = Callable[[str], tuple[Manifest, ReferenceSet]]


def sum_up(
    traffic: Traffic,
    checks: DriftChecks,
    properties: PropertyChecks,
    find: Find,
    *,
    config: MonitoringConfig,
    history: tuple[HistoryEntry, ...],
    created_at: datetime,
) -> MonitoringReport:
    """Returns the report of a run.

    Args:
      traffic: what was predicted.
      checks: the tests, a part for each version of ``traffic``.
      properties: what the data validator said.
      find: gives manifest and reference set of a version; raises BundleError.
      config: the version that was asked for, and how few predictions are too few.
      history: of earlier runs.
      created_at: UTC.
    """

    def parts() -> Iterator[VersionReport]:
        for each, check in zip(traffic.versions, checks.versions, strict=True):
            findings = properties.findings.get(each.version, {})
            evidence = Evidence(
                check.evidence.result, check.evidence.mmd, check.evidence.days, findings
            )
            yield _part(traffic.name, each, check, evidence, find, config)
        if config.version is not None and not traffic.versions:
            silent = silent_version(traffic.name, config.version)
            yield silent.model_copy(update={"problem": traffic.note})

    return MonitoringReport(
        name=traffic.name,
        created_at=created_at,
        since=traffic.since,
        until=traffic.until,
        versions=tuple(parts()),
        history=history,
    )


def _part(
    name: str,
    traffic: VersionTraffic,
    check: VersionCheck,
    evidence: Evidence,
    find: Find,
    config: MonitoringConfig,
) -> VersionReport:
    n = traffic.period.n
    if traffic.n_left_out and n < config.n_least:
        return _left_out(name, traffic, config.n_least)
    if check.problem:
        return failed_version(name, traffic.version, n, check.problem)
    try:
        manifest, reference = find(traffic.version)
    except BundleError as error:
        return failed_version(name, traffic.version, n, str(error))
    report = judge_version(
        name,
        traffic.version,
        traffic.period,
        evidence,
        reference,
        expected_accuracy=manifest.metrics.get("accuracy"),
        n_least=config.n_least,
        margin=config.accuracy_margin,
    )
    notes = [
        *([_about_left_out(traffic)] if traffic.n_left_out else []),
        *([_about_simulated(traffic)] if traffic.n_simulated else []),
    ]
    return report.model_copy(update={"problem": "; ".join(notes)})


def _left_out(name: str, traffic: VersionTraffic, n_least: int) -> VersionReport:
    return VersionReport(
        name=name,
        version=traffic.version,
        verdict="too_few",
        n_predictions=traffic.period.n,
        problem=_about_left_out(traffic),
        next_move=f"Wait until this release has logged {n_least:,} predictions of that version.",
    )


def _about_left_out(traffic: VersionTraffic) -> str:
    return (
        f"{count(traffic.n_left_out, 'prediction')} could not be looked at: a release without the "
        "third embedding logged them, or their vectors are not those of the bundle"
    )


def _about_simulated(traffic: VersionTraffic) -> str:
    n, n_simulated = traffic.period.n, traffic.n_simulated
    if n_simulated == n:
        return "all predictions come from run.py simulate"
    verb = "comes" if n_simulated == 1 else "come"
    return (
        f"{n_simulated:,} of the predictions {verb} from run.py simulate, whose feedback does not "
        "count here"
    )
