"""Reads what a model predicted from the prediction log of this machine's service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from zenml import step

from steps.logged_periods import Asked, read_traffic
from vision.config import MonitoringConfig
from vision.monitoring.traffic import Traffic
from vision.progress import say
from vision.wording import count


# Never from the cache: the log has other predictions at every moment.
@step(
    enable_cache=False,
    output_materializers="materializers.monitoring_checks.TrafficMaterializer",
)
def read_predictions(
    name: str, monitoring: MonitoringConfig, seed: int = 0
) -> Annotated[Traffic, "traffic"]:
    """Streams the newest predictions of each version of a model.

    Args:
      name: the model's.
      monitoring: which period, and how many predictions at most.
      seed: of what is sampled.

    Raises:
      LogError: the log does not answer, or has another form than this release reads.
    """
    until = datetime.now(UTC)
    asked = Asked(
        name=name,
        version=monitoring.version,
        since=until - timedelta(days=monitoring.days),
        until=until,
        n_most=monitoring.n_most,
        n_newest=monitoring.n_mmd,
        seed=seed,
    )
    traffic = read_traffic(asked)
    for each in traffic.versions:
        say(f"read {count(each.period.n, 'prediction')} of {name} {each.version}")
    if traffic.note:
        say(traffic.note)
    return traffic
