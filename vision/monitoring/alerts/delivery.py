"""How one attempt to tell people ended, and trying again where that may help.

A failure is a sentence without any secret: what a server or a library says may repeat an address
or a password, so it is never quoted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Seconds before the second and the third try.
PAUSES_S = (1.0, 4.0)
# For connecting, and for each answer.
TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Delivery:
    """How one alert ended.

    Attributes:
      kind: ``log``, ``webhook``, ``email``, ``file`` or ``alerter`` (the stack's).
      where: where it went, without secrets.
      is_delivered: whether it got there.
      sentence: what happened.
    """

    kind: str
    where: str
    is_delivered: bool
    sentence: str


class NotDelivered(Exception):
    """An alert did not arrive; the message is a sentence that may be shown.

    Attributes:
      may_pass: whether another try may succeed.
    """

    def __init__(self, sentence: str, *, may_pass: bool = False) -> None:
        self.may_pass = may_pass
        super().__init__(sentence)


def keep_trying(send: Callable[[], str]) -> str:
    """Calls ``send`` until it succeeds, three times at most, while another try may help.

    Raises:
      NotDelivered: none succeeded.
    """
    for pause_s in PAUSES_S:
        try:
            return send()
        except NotDelivered as error:
            if not error.may_pass:
                raise
            time.sleep(pause_s)
    try:
        return send()
    except NotDelivered as error:
        if not error.may_pass:
            raise
        raise NotDelivered(f"{error} ({len(PAUSES_S) + 1} tries)") from None


def secret(variable: str, environment: Mapping[str, str]) -> str:
    """Returns the value of an environment variable without the white space around it.

    Raises:
      NotDelivered: it is not set, or empty.
    """
    value = environment.get(variable, "").strip()
    if not value:
        raise NotDelivered(f"the environment variable {variable} is not set; export it")
    return value
