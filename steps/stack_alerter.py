"""Posts a message through the alerter of the active stack, where it has one."""

from __future__ import annotations

from zenml.client import Client

from vision.monitoring.alerts import Delivery, Message


def has_alerter() -> bool:
    """Returns whether the active stack has an alerter."""
    return Client().active_stack.alerter is not None


def post_to_alerter(message: Message) -> Delivery:
    """Posts a message through the stack's alerter; a failure is a sentence.

    What an alerter says may hold its token, so only the kind of its error is told.
    """
    alerter = Client().active_stack.alerter
    assert alerter is not None
    where = f"alerter {alerter.name} of the stack"
    try:
        is_posted = alerter.post(f"{message.subject}\n{message.text}")
    # Isolation: alerters are plugins, and what they raise is their own.
    except Exception as error:  # noqa: BLE001
        reason = f"not delivered: it raised {type(error).__name__}"
        return Delivery("alerter", where, False, f"{where}: {reason}")
    ended = "delivered" if is_posted else "not delivered: it answered that it did not post"
    return Delivery("alerter", where, bool(is_posted), f"{where}: {ended}")
