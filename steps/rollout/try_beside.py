"""Tries a version beside what running services serve, before anything is promoted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from steps.rollout.course import Course, begin, quiet
from steps.rollout.service_client import RollOutError, ServiceClient, Version
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Outcome, RollOut


def try_beside(
    version: Version,
    services: Sequence[ServiceClient],
    rules: Rules,
    mode: Literal["shadow", "canary"],
    share: float,
) -> RollOut:
    """Tries a version beside what the services serve, and ends the trial whatever comes of it.

    The version gets its share of the requests for ``rules.watch_s``; its errors count, and its
    median against that of the served version in the same time.
    """
    course = begin(version, services, None)
    if isinstance(course, RollOut):
        return course.model_copy(update={"mode": mode, "share": share})
    if idle := _nothing_beside(course):
        return course.result("nothing", idle, rules, mode, share)
    problem = ""
    try:
        for state in course.states:
            state.is_changed = True
            state.service.propose(version.name, version.version, mode, share)
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
