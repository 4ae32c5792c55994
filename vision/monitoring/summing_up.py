"""From what the steps of monitoring found to one report, whatever could not be checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from vision.bundles.manifest import Manifest
from vision.config.monitoring import MonitoringConfig
from vision.drift.finite_rows import ONE_IN
from vision.errors import BundleError
from vision.monitoring.checks import DriftChecks, PropertyChecks, VersionCheck
from vision.monitoring.evidence import Evidence
from vision.monitoring.reference import ReferenceSet
from vision.monitoring.report import HistoryEntry, MonitoringReport, VersionReport
from vision.monitoring.traffic import Traffic, VersionTraffic
from vision.monitoring.verdict import failed_version, judge_version, silent_version
from vision.wording import count

_WRONG = "that are not finite or not as long as those of the bundle"
_BROKEN = f"predictions have vectors {_WRONG}"

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
            part = _part(traffic.name, each, check, evidence, find, config)
            yield part if each.served_until is None else _replaced(part, each.served_until)
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
    if broken := _many_broken(traffic, config.n_least):
        return failed_version(name, traffic.version, n, broken)
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
        *([_about_broken(traffic.broken.n)] if traffic.broken.n else []),
        *([_about_simulated(traffic)] if traffic.n_simulated else []),
    ]
    return report.model_copy(update={"problem": "; ".join(notes)})


def _replaced(part: VersionReport, until: datetime) -> VersionReport:
    said = (
        f"Nothing to do: it was served until {until:%Y-%m-%d %H:%M} UTC, and another version "
        "answers now."
    )
    return part.model_copy(update={"served_until": until, "next_move": said})


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
        "third embedding logged them"
    )


def _many_broken(traffic: VersionTraffic, n_least: int) -> str:
    """Returns why predictions that are broken keep the others from being judged, or nothing.

    What is many is what is many for the service. The newest count by themselves: a fault that began
    an hour ago must not hide behind a good week.
    """
    broken, n_all = traffic.broken, traffic.period.n + traffic.broken.n
    if n_all < n_least:
        return ""
    rule = f"and at most one in {ONE_IN} may; look at what the model answers, or roll back"
    if ONE_IN * broken.n_newest > broken.of_newest:
        return f"{broken.n_newest:,} of the newest {broken.of_newest:,} {_BROKEN}, {rule}"
    if ONE_IN * broken.n > n_all:
        return f"{broken.n:,} of {n_all:,} {_BROKEN}, {rule}"
    return ""


def _about_broken(n: int) -> str:
    have = "has" if n == 1 else "have"
    return f"{count(n, 'prediction')} {have} vectors {_WRONG} and could not be looked at"


def _about_simulated(traffic: VersionTraffic) -> str:
    n, n_simulated = traffic.period.n, traffic.n_simulated
    if n_simulated == n:
        return "all predictions come from run.py simulate"
    verb = "comes" if n_simulated == 1 else "come"
    return (
        f"{n_simulated:,} of the predictions {verb} from run.py simulate, whose feedback does not "
        "count here"
    )
