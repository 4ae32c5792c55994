"""Tries a version beside what running services serve, before anything is promoted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from steps.rollout.course import UNCHANGED, Course, begin, quiet
from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.snapshot import UNNAMED
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Outcome, RollOut

# For each service, which loads the version before it answers; then the trial ends by itself.
_LOADS_WITHIN_S = 60.0


def try_beside(
    version: Version,
    services: Sequence[ServiceClient],
    rules: Rules,
    mode: Literal["shadow", "canary"],
    share: float,
) -> RollOut:
    """Tries a version beside what the services serve, and ends the trial whatever comes of it.

    The version gets its share of the requests for ``rules.watch_s``; its errors count, and its
    median against that of the served version in the same time. Where this process is killed, the
    services end the trial by themselves soon after it would have been over.
    """
    course = begin(version, services, None)
    if isinstance(course, RollOut):
        reason = f"{course.reason}; {UNCHANGED}" if course.is_undone else course.reason
        return course.model_copy(update={"mode": mode, "share": share, "reason": reason})
    if idle := _nothing_beside(course):
        return course.result("nothing", idle, rules, mode, share)
    problem, for_s = "", rules.watch_s + _LOADS_WITHIN_S * len(course.states)
    try:
        for state in course.states:
            state.is_changed = True
            state.service.propose(version.name, version.version, mode, share, for_s)
        seen = watch(
            [state.service for state in course.states],
            {state.service.address: state.before for state in course.states},
            rules,
            "shadow" if mode == "shadow" else "candidate",
        )
        problem = seen.problem
        for state in course.states:
            state.watched = seen.figures.get(state.service.address)
    except RollOutError as error:
        problem = str(error)
    finally:
        # Also where somebody interrupts.
        left = _end_trials(course)
    if problem or left:
        outcome: Outcome = "failed" if left else "rolled_back"
        reason = "; ".join(filter(None, [problem, left]))
        return course.result(outcome, reason, rules, mode, share)
    return course.result("done", quiet(course, rules), rules, mode, share)


def end_left_over(model: str, services: Sequence[ServiceClient]) -> tuple[str, ...]:
    """Ends what is still tried of a model, where nothing is to be tried; returns what was done.

    A service that does not answer is left to the roll-out.
    """
    said = []
    for service in services:
        try:
            found = [each for each in _tried(service) if each.name == model]
            if found:
                service.end_trial()
                version = found[0].version
                which = f"a version of {model}" if version == UNNAMED else f"{model} {version}"
                said.append(f"{service.address} tried {which}; ended")
        except UnreachableError:
            continue
        except RollOutError as error:
            said.append(str(error))
    return tuple(said)


def _tried(service: ServiceClient) -> list[Version]:
    """Returns what any worker tries: the one that answers may not have learnt of it yet."""
    one = service.tried()
    return [one] if one else [Version(*each) for each in sorted(service.snapshot().tried)]


def _end_trials(course: Course) -> str:
    problems = []
    for state in course.states:
        if state.is_changed:
            try:
                state.service.end_trial()
            except RollOutError as error:
                problems.append(str(error))
    return "; ".join(problems)


def _nothing_beside(course: Course) -> str:
    """Returns why there is nothing to try a version beside; empty where there is."""
    for state in course.states:
        if state.former is None:
            return f"{state.service.address} has no model yet, so there is nothing to compare with"
        if state.former == course.version:
            return f"{state.service.address} serves {course.version.version} already"
    return ""
