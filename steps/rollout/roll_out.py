"""Rolls a version out on running services.

All services or none: where one of them cannot be reached, does not serve the version in time, or
does worse than is tolerated, all of them are brought back to what they served. A service that
follows the champion, and serves the version already, is told nothing, so that it goes on following.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from steps.promotion.expected import tell_other
from steps.rollout.course import UNCHANGED, Course, State, begin, quiet
from steps.rollout.service_client import RollOutError, ServiceClient, Version
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Outcome, RollOut
from vision.progress import say

TakeBack = Callable[[str], str]

# Workers look about every second at the pointers.
_FOLLOWS_WITHIN_S = 2.5
_BACK_WITHIN_S = 30.0


def roll_out(
    version: Version,
    services: Sequence[ServiceClient],
    rules: Rules,
    ready_s: float,
    former: str | None = None,
    take_back: TakeBack | None = None,
) -> RollOut:
    """Lets every service serve a version, and takes it back where that goes wrong.

    Args:
      version: in the model store of the services.
      services: all replicas.
      rules: what is tolerated while it is watched.
      ready_s: within which all workers of all services must serve it.
      former: the champion before; where services that follow the champion go back to.
      take_back: called instead of telling each service, with the reason; returns what did not
        work, or nothing. For whoever has moved more than the services.
    """
    course = begin(version, services, former)
    if isinstance(course, RollOut):
        return _not_begun(course, take_back)
    deadline = time.monotonic() + ready_s
    try:
        for state in course.states:
            _activate(state, version)
        for state in course.states:
            _wait(state, version, deadline)
    except RollOutError as error:
        return _undo(course, str(error), rules, take_back)
    say(f"{len(course.states)} services serve {version.name} {version.version}")
    seen = watch(
        [state.service for state in course.states],
        {state.service.address: state.before for state in course.states},
        rules,
    )
    for state in course.states:
        state.watched = seen.figures.get(state.service.address)
    if seen.problem:
        return _undo(course, seen.problem, rules, take_back)
    return course.result("done", quiet(course, rules), rules)


def _not_begun(found: RollOut, take_back: TakeBack | None) -> RollOut:
    if not found.is_undone:
        return found
    left = UNCHANGED if take_back is None else take_back(found.reason)
    outcome: Outcome = "failed" if left and take_back is not None else "rolled_back"
    reason = "; ".join(filter(None, [found.reason, left]))
    return found.model_copy(update={"outcome": outcome, "reason": reason})


def _activate(state: State, version: Version) -> None:
    if state.is_following and _follows(state.service, version):
        return
    state.is_changed = True
    state.generation = state.service.activate(version.name, version.version)


def _follows(service: ServiceClient, version: Version) -> bool:
    """Tells whether a service comes to serve the version because it is the champion."""
    deadline = time.monotonic() + _FOLLOWS_WITHIN_S
    while service.served() != version:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def _wait(state: State, version: Version, deadline: float) -> None:
    began = time.monotonic()
    try:
        state.service.wait_for(version, state.generation, deadline)
    except RollOutError as error:
        state.problem = str(error)
        raise
    state.ready_s = round(time.monotonic() - began, 3)


def _undo(course: Course, reason: str, rules: Rules, take_back: TakeBack | None) -> RollOut:
    say(f"taking {course.version.name} {course.version.version} back: {reason}")
    left = take_back(reason) if take_back is not None else _put_back(course)
    if left:
        return course.result("failed", f"{reason}; {left}", rules)
    return course.result("rolled_back", reason, rules)


def _put_back(course: Course) -> str:
    """Lets each service serve what it did; returns what did not work."""
    if other := tell_other(course.version.name, course.champion):
        return other
    problems = []
    for state in course.states:
        had_it = state.former == course.version
        target = course.former if had_it else state.former
        if target is None or target == course.version:
            if state.is_changed and not had_it:
                problems.append(f"{state.service.address} had no model to go back to")
            continue
        try:
            generation = state.service.activate(target.name, target.version)
            state.service.wait_for(target, generation, time.monotonic() + _BACK_WITHIN_S)
        except RollOutError as error:
            problems.append(str(error))
    return "; ".join(problems)
