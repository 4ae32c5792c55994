"""Starts a new image with compose or on Kubernetes, watches it, and goes back to the one before.

The image pins its model, so another version is another image. The services of the configuration
are where the containers answer; on Kubernetes they may be left out, and then the cluster's own
word counts. :mod:`steps.rollout.runners` says how each goes back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from steps.rollout import proven
from steps.rollout.runners import Runner
from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Figures, Outcome, Replica, RollOut
from vision.home import home
from vision.packages import ImageResult
from vision.progress import say

# The names that podman and buildah give to what they build.
_LOCAL = "localhost/"
_NOBODY_WATCHED = (
    "nobody was watched: deployment.services names no address, so {kind} alone said that it went "
    "well"
)


def roll_out_image(
    runner: Runner,
    version: Version,
    services: Sequence[ServiceClient],
    rules: Rules,
    ready_s: float,
) -> RollOut:
    """Starts the image, waits for the services, watches them, and goes back where that goes wrong.

    Args:
      runner: what starts it.
      version: the model in the image.
      services: where the containers answer.
      rules: what is tolerated while it is watched.
      ready_s: within which it must be ready.
    """
    began, replicas = datetime.now(UTC), [_look(service) for service in services]
    problem = runner.start(ready_s)
    if not problem:
        problem = _wait(version, services, ready_s)
    figures: dict[str, Figures] = {}
    if not problem:
        before = {each.address: each.before or _NOTHING for each in replicas}
        seen = watch(services, before, rules)
        figures, problem = dict(seen.figures), seen.problem
    outcome: Outcome = "done"
    if problem:
        say(f"taking {version.name} {version.version} back: {problem}")
        left = runner.undo()
        proven.put_back(runner.manifests)
        outcome = "failed" if left else "rolled_back"
        problem = "; ".join(filter(None, [problem, left]))
    else:
        runner.keep()
        proven.keep(runner.manifests)
        problem = "" if services else _NOBODY_WATCHED.format(kind=runner.kind)
    return RollOut(
        target=runner.kind,
        model=version.name,
        version=version.version,
        outcome=outcome,
        reason=problem,
        began_at=began,
        ended_at=datetime.now(UTC),
        watch_s=rules.watch_s,
        replicas=tuple(
            each.model_copy(
                update={
                    "served": _look(service).former,
                    "watched": figures.get(each.address),
                }
            )
            for each, service in zip(replicas, services, strict=True)
        ),
        files=(str(runner.manifests.relative_to(home())),),
    )


_NOTHING = Figures(n_requests=0, n_errors=0, median_ms=None)


def _look(service: ServiceClient) -> Replica:
    try:
        found = service.served()
        before = service.snapshot().figures()
    except UnreachableError:
        return Replica(address=service.address)
    except RollOutError as error:
        return Replica(address=service.address, problem=str(error))
    return Replica(address=service.address, former=found.version if found else None, before=before)


def _wait(version: Version, services: Sequence[ServiceClient], ready_s: float) -> str:
    deadline = time.monotonic() + ready_s
    try:
        for service in services:
            service.wait_for(version, 0, deadline)
    except RollOutError as error:
        return str(error)
    return ""


def image_reference(image: ImageResult, target: str) -> str | None:
    """Returns the name by which a target can start an image; None where there is none.

    What was pushed has the registry's name. What podman and buildah build is ``localhost/...`` in
    its archive, and so in a cluster that imported it; compose finds it by its plain name.
    """
    if image.pushed_to or image.tag is None:
        return image.pushed_to
    is_local = image.builder in ("podman", "buildah") and "/" not in image.tag
    return f"{_LOCAL}{image.tag}" if target == "kubernetes" and is_local else image.tag
