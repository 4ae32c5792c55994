"""The records of models that were followed: served because a champion was promoted.

What a request activates or rolls back is recorded by the worker that answers it.
"""

from __future__ import annotations

import hashlib

from serving.models.state import State
from serving.record import DeploymentRecord


class Followed:
    """Makes one record of each change of the champion, the same in every worker."""

    def __init__(self) -> None:
        self._before: tuple[str, str] | None = None

    def note(self, state: State, why: str) -> DeploymentRecord | None:
        """Returns the record of a change; None where there is nothing to record.

        Workers follow one after the other. The id comes from the promotion that they follow, and
        the log keeps one row of an id. The same promotion followed again, since somebody has put
        its pointer back, is no other row.

        Args:
          state: what is served now.
          why: ``start``, ``follow``, ``activate`` or ``rollback``.
        """
        if state.model is None:
            return None
        manifest = state.model.manifest
        version = (manifest.name, manifest.version)
        is_same, self._before = version == self._before, version
        # A generation means an activation, which a worker has recorded already.
        if why != "follow" or state.generation or is_same:
            return None
        promotion = repr((version, state.promoted_at)).encode()
        return DeploymentRecord(
            deployment_id=hashlib.sha256(promotion).hexdigest()[:32],
            generation=state.generation,
            action="follow",
            model_name=manifest.name,
            model_version=manifest.version,
            outcome="done",
        )
