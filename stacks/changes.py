"""What is different, or was changed, in ZenML's register of stacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Marks what this project registered, so that it never overwrites what somebody else did.
OWNER = {"managed_by": "visionstack"}


@dataclass(frozen=True)
class Change:
    """One thing that was changed, or would be.

    Attributes:
      kind: ``flavor``, ``component`` or ``stack``.
      name: which one, for example ``experiment_tracker local``.
      detail: what was found or done, for example ``registered``.
    """

    kind: str
    name: str
    detail: str

    @property
    def sentence(self) -> str:
        """The change as one line for a person."""
        return f"{self.kind} {self.name}: {self.detail}"


@dataclass(frozen=True)
class Difference:
    """One thing that is not as the definitions say.

    Attributes:
      kind: ``flavor``, ``component`` or ``stack``.
      name: which one.
      found: what is the case now.
      done: what ``mend`` will have done.
      mend: makes ZenML's register as the definitions say.
    """

    kind: str
    name: str
    found: str
    done: str
    mend: Callable[[], object]


def is_ours(labels: Mapping[str, Any] | None) -> bool:
    """Whether something registered carries this project's mark."""
    return OWNER.items() <= (labels or {}).items()
