"""A change of a model's champion, as its caller gets it."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.bundles.manifest import Id


class Promoted(BaseModel):
    """A version that is the champion now.

    Attributes:
      model: the model's name.
      version: the champion.
      former: the champion before; None where there was none.
      number: how often the champion of this model has changed.
      at: when it became champion, UTC.
      is_new: False where it was the champion already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Id
    version: Id
    former: Id | None
    number: int
    at: AwareDatetime
    is_new: bool = True
