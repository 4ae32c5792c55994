"""What all sections of the configuration have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A frozen, closed part of the configuration: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
