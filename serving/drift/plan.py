"""How many predictions are compared, and how often: what the bundle was calibrated with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.settings import ServiceSettings
from vision.config.drift import DriftConfig
from vision.drift.detector_file import read_detectors
from vision.drift.finite_rows import ONE_IN
from vision.errors import BundleError


@dataclass(frozen=True)
class Plan:
    """When the detectors of a model version run, and on what.

    Attributes:
      capacity: predictions that the window keeps: a few more than are looked at, which take the
        places of those that are not finite.
      most: predictions that are looked at, the newest ones.
      least: predictions below which there is no check.
      every_n: new predictions after which there is another.
      every_s: seconds after which there is another, if there was a prediction.
      alarm_rate: share of checks that find drift where there is none; None where it is not known.
      false_alarms: what was wanted, in words.
    """

    capacity: int
    most: int
    least: int
    every_n: int
    every_s: float
    alarm_rate: float | None = None
    false_alarms: str = ""

    @property
    def alarms_in_words(self) -> str:
        """How often drift is found where there is none; empty where that is not known."""
        if self.alarm_rate is None:
            return ""
        n_checks = round(1 / self.alarm_rate)
        return (
            f"Without drift, about 1 check in {n_checks:,} finds some "
            f"({self.false_alarms} were allowed when the model was made)."
        )


def plan_for(bundle: Path, settings: ServiceSettings) -> Plan:
    """Returns the plan for a bundle.

    Where it has no detectors that could be read, it is the usual one: the check itself says why
    they cannot.
    """
    usual = DriftConfig()
    sizes, every_n, rate, words = usual.windows, usual.every_n, None, ""
    try:
        found = read_detectors(bundle)
        sizes, every_n = found.sizes, found.every_n
        rate, words = found.alarm_rate, found.false_alarms
    except BundleError:
        pass
    largest = max(sizes)
    most = min(settings.drift_window or largest, largest)
    return Plan(
        # Where one in ten is passed over, enough for the largest size are left.
        capacity=-(-ONE_IN * largest // (ONE_IN - 1)),
        most=most,
        # A window below every calibrated size is for the detectors to refuse.
        least=min(min(sizes), most),
        every_n=settings.drift_every_n or every_n,
        every_s=settings.drift_every_s,
        alarm_rate=rate,
        false_alarms=words,
    )
