"""What all sections of the configuration have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]


class Section(BaseModel):
    """A frozen, closed part of the configuration: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
