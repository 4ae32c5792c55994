"""Starts a new image with compose or on Kubernetes, watches it, and goes back to the one before.

The image pins its model, so another version is another image. The services of the configuration
are where the containers answer; on Kubernetes they may be left out, and then the cluster's own
word counts. :mod:`steps.rollout.runners` says how each goes back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from steps.promotion.expected import find_version, tell_other
from steps.rollout import proven
from steps.rollout.runners import Runner
from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Figures, Outcome, Replica, RollOut
from vision.home import home
from vision.packages import ImageResult
from vision.progress import say

# Services, each with the version that it serves or shall serve.
Served = Sequence[tuple[ServiceClient, Version]]

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
    former: str | None = None,
) -> RollOut:
    """Starts the image, waits for the services, watches them, and goes back where that goes wrong.

    Args:
      runner: what starts it.
      version: the model in the image.
      services: where the containers answer.
      rules: what is tolerated while it is watched.
      ready_s: within which it must be ready, and the one before where it comes back.
      former: the champion before; None for what ran.
    """
    began, looks = datetime.now(UTC), [_look(service) for service in services]
    replicas = [replica for replica, _ in looks]
    pairs = zip(services, looks, strict=True)
    served = [(service, found) for service, (_, found) in pairs if found is not None]
    champion = find_version(version.name)
    problem = runner.start(ready_s) or _wait([(each, version) for each in services], ready_s)
    figures: dict[str, Figures] = {}
    if not problem:
        before = {each.address: each.before or _NOTHING for each in replicas}
        seen = watch(services, before, rules)
        figures, problem = dict(seen.figures), seen.problem
    outcome: Outcome = "done"
    files = runner.manifests
    if problem:
        say(f"taking {version.name} {version.version} back: {problem}")
        left = tell_other(version.name, champion) or _go_back(
            runner, version, served, ready_s, former
        )
        outcome = "failed" if left else "rolled_back"
        problem = "; ".join(filter(None, [problem, left]))
    else:
        runner.keep()
        files = proven.keep(files)
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
                    "served": _look(service)[0].former,
                    "watched": figures.get(each.address),
                }
            )
            for each, service in zip(replicas, services, strict=True)
        ),
        files=(str(files.relative_to(home())),),
    )


def _go_back(
    runner: Runner, version: Version, served: Served, ready_s: float, former: str | None
) -> str:
    """Starts what was there before, and waits until it answers; returns what went wrong."""
    if problem := runner.undo(former, ready_s):
        return problem
    champion = None if former is None else Version(version.name, former)
    wanted = [
        (each, champion if champion is not None and found.name == champion.name else found)
        for each, found in served
    ]
    return _wait(wanted, ready_s)


_NOTHING = Figures(n_requests=0, n_errors=0, median_ms=None)


def _look(service: ServiceClient) -> tuple[Replica, Version | None]:
    """Returns a service as it is now, and what it serves, as far as it says so."""
    found = None
    try:
        found = service.served()
        before = service.snapshot().figures()
    except UnreachableError:
        return Replica(address=service.address), found
    except RollOutError as error:
        return Replica(address=service.address, problem=str(error)), found
    former = found.version if found else None
    return Replica(address=service.address, former=former, before=before), found


def _wait(wanted: Served, ready_s: float) -> str:
    deadline = time.monotonic() + ready_s
    try:
        for service, version in wanted:
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
