"""Tells people about a change, each way that the configuration names, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vision.config.alerts import AlertConfig
from vision.monitoring.alerts.delivery import Delivery, NotDelivered
from vision.monitoring.alerts.email import send_email
from vision.monitoring.alerts.file import add_line
from vision.monitoring.alerts.message import Message, write_message
from vision.monitoring.alerts.webhook import send_webhook
from vision.monitoring.state import StateChange
from vision.progress import say

_WAITS_FOR_READERS = ("log", "file")


def tell(
    change: StateChange, alerts: Sequence[AlertConfig], environment: Mapping[str, str]
) -> tuple[Delivery, ...]:
    """Tells people about a change; an alert that fails is a sentence and keeps no other from going.

    Args:
      change: what is told.
      alerts: the ways, in order.
      environment: where secrets are, mostly ``os.environ``.

    Returns:
      how each alert ended.
    """
    message = write_message(change)
    return tuple(_deliver(message, alert, environment) for alert in alerts)


def is_told(deliveries: Sequence[Delivery]) -> bool:
    """Returns whether people know now.

    A line of the log or of a file is no proof that anybody reads it, so where something else was to
    tell them, one of those must have arrived. Where nobody was to be told, there is nothing left to
    do.
    """
    others = [delivery for delivery in deliveries if delivery.kind not in _WAITS_FOR_READERS]
    return any(delivery.is_delivered for delivery in others or deliveries) or not deliveries


def name_ways(alerts: Sequence[AlertConfig]) -> list[str]:
    """Returns a name for each alert, without secrets; no two have the same."""
    names: list[str] = []
    for alert in alerts:
        where = _where(alert)
        n_before = sum(_where(other) == where for other in alerts[: len(names)])
        names.append(f"{where} ({n_before + 1})" if n_before else where)
    return names


def missing_variables(alerts: Sequence[AlertConfig], environment: Mapping[str, str]) -> list[str]:
    """Returns a line for each environment variable that an alert names and that is not set."""
    return [
        f"monitoring.alerts[{index}].{key} = {name!r}: the environment variable {name} is not "
        "set; export it first"
        for index, alert in enumerate(alerts)
        for key in ("url_from", "user_from", "password_from")
        if (name := getattr(alert, key)) and not environment.get(name, "").strip()
    ]


def _deliver(message: Message, alert: AlertConfig, environment: Mapping[str, str]) -> Delivery:
    where = _where(alert)
    try:
        return Delivery(alert.kind, where, True, f"{where}: {_send(message, alert, environment)}")
    except NotDelivered as error:
        return Delivery(alert.kind, where, False, f"{where}: not delivered: {error}")
    # Isolation: a defect in one way of telling must not keep the others, or the verdict, from
    # arriving. Its own words are left out, since they may hold a secret.
    except Exception as error:  # noqa: BLE001
        reason = f"a defect ({type(error).__name__})"
        return Delivery(alert.kind, where, False, f"{where}: not delivered: {reason}")


def _send(message: Message, alert: AlertConfig, environment: Mapping[str, str]) -> str:
    if alert.kind == "webhook":
        return send_webhook(message, alert, environment)
    if alert.kind == "email":
        return send_email(message, alert, environment)
    if alert.kind == "file":
        return add_line(message, alert)
    say("\n".join([message.subject, *(f"  {line}" for line in message.text.split("\n"))]))
    return "written"


def _where(alert: AlertConfig) -> str:
    if alert.kind == "webhook":
        return f"webhook of {alert.url_from} ({alert.shape})"
    if alert.kind == "email":
        return f"e-mail to {', '.join(alert.to)} through {alert.host}:{alert.port}"
    return f"file {alert.path}" if alert.kind == "file" else "log"
