"""Which versions of a model answered somebody in a period, and which of them were replaced.

A version is served as long as it answers. It was replaced where the version that answered last has
taken its place: its last answer is older than all of that one in the period, or that one has given
:data:`N_REPLACED` answers since, among which a canary would have been. So a swap, a roll-back and
the end of a canary are told from a canary that runs, by a few rows of an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from serving.log.counting import first_and_last, has_answers
from serving.log.reading import LoggedModel

# A canary with 1 in 100 of the requests is absent from as many once in 23,000 times.
N_REPLACED = 1_000


@dataclass(frozen=True)
class Served:
    """A version that answered somebody.

    Attributes:
      model: it.
      until: its last answer, where it was replaced; None where it is served.
    """

    model: LoggedModel
    until: datetime | None = None


def find_served(
    connection: Connection, models: tuple[LoggedModel, ...], since: datetime, before: datetime
) -> Iterator[Served]:
    """Yields those of ``models`` that answered somebody, the one that did last first.

    Args:
      connection: to the log.
      models: of :func:`serving.log.reading.list_models`.
      since: older answers do not count.
      before: nor do those of this time or newer.

    Raises:
      SQLAlchemyError: the database does not answer.
    """
    found = [
        (times, model)
        for model in models
        if (times := first_and_last(connection, model, since=since, before=before)) is not None
    ]
    # Of two at the same time the newer model, as far as that can be said.
    found.sort(key=lambda one: (one[0][1], one[1].id), reverse=True)
    for place, ((_, last), model) in enumerate(found):
        (first, _), newest = found[0]
        is_replaced = place > 0 and (
            last < first or has_answers(connection, newest, N_REPLACED, after=last, before=before)
        )
        yield Served(model, last if is_replaced else None)
