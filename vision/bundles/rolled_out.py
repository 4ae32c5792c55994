"""What became of a roll-out: which services serve what, how they did, and why it was undone."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.bundles.manifest import Id

Mode = Literal["all", "shadow", "canary"]
Outcome = Literal["done", "nothing", "rolled_back", "failed"]


class Figures(BaseModel):
    """How requests were answered in some time.

    Attributes:
      n_requests: predictions asked for.
      n_errors: of them, those that were answered with 500 or more.
      median_ms: of decoding and the graph; None where nothing was answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_requests: int
    n_errors: int
    median_ms: float | None

    @property
    def error_share(self) -> float:
        """Share of the requests that failed; 0 without requests."""
        return self.n_errors / self.n_requests if self.n_requests else 0.0


class Replica(BaseModel):
    """One service.

    Attributes:
      address: where it answers.
      former: what it served before; None where it had no model.
      served: what it serves at the end; None where it does not answer.
      ready_s: after which all of its workers served the new version.
      before: from its start to the roll-out.
      watched: while it was watched; None where that was not reached.
      problem: what went wrong; empty where all is well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    former: Id | None = None
    served: Id | None = None
    ready_s: float | None = None
    before: Figures | None = None
    watched: Figures | None = None
    problem: str = ""


class RollOut(BaseModel):
    """A roll-out, or the trial of a candidate before it.

    Attributes:
      target: ``local``, ``compose``, ``kubernetes`` or ``none``.
      model: the model's name.
      version: what was rolled out.
      mode: ``all`` requests, or what a candidate gets.
      share: of the requests.
      outcome: ``done``; ``nothing``, since there is nowhere to roll out to; ``rolled_back``;
        ``failed``, and not everything could be put back.
      reason: why, as a sentence; empty where there is nothing to say.
      began_at: UTC.
      ended_at: UTC.
      watch_s: how long it was to be watched.
      replicas: the services.
      files: what was written for it, relative to the project's home.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Literal["local", "compose", "kubernetes", "none"]
    model: Id
    version: Id
    mode: Mode = "all"
    share: float = 1.0
    outcome: Outcome
    reason: str = ""
    began_at: AwareDatetime
    ended_at: AwareDatetime
    watch_s: float = 0.0
    replicas: tuple[Replica, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def is_undone(self) -> bool:
        """Whether the version was taken back, or should have been."""
        return self.outcome in ("rolled_back", "failed")

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        what = {"all": "roll-out", "shadow": "trial in the shadow", "canary": "canary"}[self.mode]
        words = {
            "done": "done",
            "nothing": "not begun",
            "rolled_back": "rolled back",
            "failed": "failed, and not everything could be put back",
        }[self.outcome]
        said = f"{what} of {self.model} {self.version}: {words}"
        return f"{said}; {self.reason}" if self.reason else said
