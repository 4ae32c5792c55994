"""What ``GET /drift`` says.

Examples are requests of all callers, and a request id leads to the image where it is kept. So where
keys are asked for, they are for whoever has the admin key.
"""

from __future__ import annotations

from serving.log.images import is_chosen
from serving.predict import reference
from serving.schema import DriftExample, DriftReport
from serving.settings import ServiceSettings
from serving.worker import Worker

FOR_ADMINS = (
    "Unusual predictions are requests of all callers, so they are listed for the admin key only "
    "(VISIONSTACK_ADMIN_KEY)."
)


def report_drift(worker: Worker, *, is_admin: bool) -> DriftReport:
    """Returns the last checks of the model version that is served, from memory.

    Args:
      worker: whose checks.
      is_admin: whether the caller has the admin key, or none is asked for.
    """
    drift, state = worker.drift, worker.host.state
    plan = drift.plan
    last = worker.checked(state.model) if state.model else drift.last
    shown = last.examples if is_admin else ()
    return DriftReport(
        verdict=last.verdict,
        model=reference(state.model) if state.model else None,
        window=plan.most if plan else 0,
        n_waiting=drift.n_waiting,
        every_n=plan.every_n if plan else 0,
        since=last.since,
        moved=last.moved,
        views=last.views,
        tests=last.tests,
        alarm_rate=plan.alarm_rate if plan else None,
        false_alarms=plan.alarms_in_words if plan else "",
        detail=last.detail,
        examples=tuple(_with_image(each, worker.settings) for each in shown),
        examples_detail="" if is_admin else FOR_ADMINS,
        history=last.history,
    )


def _with_image(example: DriftExample, settings: ServiceSettings) -> DriftExample:
    keeps = settings.log != "off" and settings.log_images > 0
    is_kept = keeps and is_chosen(example.request_id, settings.log_images)
    return example.model_copy(update={"image": is_kept})
