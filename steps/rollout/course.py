"""A roll-out under way: the services, what they served before, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from steps.promotion.expected import find_version
from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.watch import Rules
from vision.bundles.rolled_out import Figures, Mode, Outcome, Replica, RollOut

_NOTHING = Figures(n_requests=0, n_errors=0, median_ms=None)
_NO_RULES = Rules(0.0, 1.0, 1.0)

# Said where nothing at all was changed because of what begin() has found.
UNCHANGED = "no service was told to change"


@dataclass
class State:
    """One service during a roll-out.

    Attributes:
      service: where it answers.
      former: what it served before; None where it had no model.
      before: how it did until now.
      is_following: whether nothing was ever activated there, so that it follows the champion.
      is_changed: whether it was told anything.
      generation: of the pointer to the new version.
      ready_s: after which all of its workers served the new version.
      watched: how it did while it was watched.
      problem: what went wrong.
    """

    service: ServiceClient
    former: Version | None
    before: Figures
    is_following: bool = False
    is_changed: bool = False
    generation: int = 0
    ready_s: float | None = None
    watched: Figures | None = None
    problem: str = ""


@dataclass
class Course:
    """A roll-out under way.

    Attributes:
      version: what is rolled out.
      former: what to go back to where a service had followed the champion already.
      states: one of each service.
      champion: the version that was champion when it began; None where that is not known.
    """

    version: Version
    former: Version | None
    states: list[State]
    champion: str | None = None
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def result(
        self, outcome: Outcome, reason: str, rules: Rules, mode: Mode = "all", share: float = 1.0
    ) -> RollOut:
        """Asks the services what they serve now, and returns what became of it all."""
        return RollOut.model_validate(
            {
                "target": "local",
                "model": self.version.name,
                "version": self.version.version,
                "mode": mode,
                "share": share,
                "outcome": outcome,
                "reason": reason,
                "began_at": self.began_at,
                "ended_at": datetime.now(UTC),
                "watch_s": rules.watch_s,
                "replicas": tuple(_replica(state) for state in self.states),
            }
        )


def begin(
    version: Version, services: Sequence[ServiceClient], former: str | None
) -> Course | RollOut:
    """Looks at every service, and changes nothing.

    Returns:
      The course; or the result already, where a service does not answer.
    """
    states, missing = [], []
    for service in services:
        try:
            found = service.snapshot()
            is_following = not any(found.generations)
            states.append(State(service, service.served(), found.figures(), is_following))
        except UnreachableError as error:
            missing.append(str(error))
        except RollOutError as error:
            states.append(State(service, None, _NOTHING, problem=str(error)))
    back_to = Version(version.name, former) if former else None
    course = Course(version, back_to, states, find_version(version.name))
    if not states:
        reason = "; ".join(missing) or "no service is configured (deployment.services)"
        reason = f"{reason}; it serves the champion once it starts"
        return course.result("nothing", reason, _NO_RULES)
    problems = [*missing, *(state.problem for state in states if state.problem)]
    if problems:
        return course.result("rolled_back", "; ".join(problems), _NO_RULES)
    return course


def quiet(course: Course, rules: Rules) -> str:
    """Returns a sentence where nobody asked anything, so that there was nothing to watch."""
    if rules.watch_s <= 0 or any(
        each.watched and each.watched.n_requests for each in course.states
    ):
        return ""
    return f"nobody asked anything in the {rules.watch_s:g} s that it was watched"


def _replica(state: State) -> Replica:
    try:
        served = state.service.served()
    except UnreachableError:
        served = None
    return Replica(
        address=state.service.address,
        former=state.former.version if state.former else None,
        served=served.version if served else None,
        ready_s=state.ready_s,
        before=state.before,
        watched=state.watched,
        problem=state.problem,
    )
