"""Tells people where the state of a served version changed, each change once."""

from __future__ import annotations

import os
from typing import Annotated

from zenml import get_step_context, step
from zenml.utils.dashboard_utils import get_run_url

from materializers.told_changes import ChangeEntry, DeliveryEntry, ToldChanges
from steps.stack_alerter import has_alerter, post_to_alerter
from vision.config import MonitoringConfig
from vision.monitoring.alerts.changes import ToldChange, tell_changes
from vision.monitoring.report import MonitoringReport
from vision.monitoring.state import name_job
from vision.progress import say


# Never from the cache: whether people know is not an input.
@step(
    enable_cache=False,
    output_materializers="materializers.told_changes.ToldChangesMaterializer",
)
def tell_change(
    report: MonitoringReport, monitoring: MonitoringConfig, page: str = ""
) -> Annotated[ToldChanges, "told_changes"]:
    """Tells people through ``monitoring.alerts`` and through the stack's alerter; never fails.

    Args:
      report: what was found.
      monitoring: the section with the alerts.
      page: where the report is, for stacks without a dashboard.
    """
    link = get_run_url(get_step_context().pipeline_run) or page
    posts = (post_to_alerter,) if has_alerter() else ()
    served = report.model_copy(update={"versions": report.served})
    told = tell_changes(
        served,
        monitoring.alerts,
        os.environ,
        job=name_job(monitoring),
        link=link,
        posts=posts,
    )
    for change in told:
        for delivery in change.deliveries:
            if delivery.kind != "log":
                say(delivery.sentence)
    return ToldChanges(model=report.name, changes=tuple(map(_entry, told)))


def _entry(told: ToldChange) -> ChangeEntry:
    values = {key: value for key, value in vars(told.change).items() if key not in ("model", "job")}
    deliveries = tuple(DeliveryEntry(**vars(delivery)) for delivery in told.deliveries)
    return ChangeEntry(**values, deliveries=deliveries)
