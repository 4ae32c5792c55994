"""Starts a new image with compose or on Kubernetes, watches it, and goes back to the one before.

The image pins its model, so another version is another image. The services of the configuration
are where the containers answer; on Kubernetes they may be left out, and then the cluster's own
word counts. Going back: compose starts the last file that went well; Kubernetes has its own undo.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from steps.packaging.containers import Called, call
from steps.rollout.manifests import FOLDER, write_compose, write_kubernetes
from steps.rollout.service_client import RollOutError, ServiceClient, UnreachableError, Version
from steps.rollout.watch import Rules, watch
from vision.bundles.rolled_out import Figures, Outcome, Replica, RollOut
from vision.home import folder, home, repository
from vision.progress import say

_NAMESPACE, _DEPLOYMENT = "visionstack", "deployment/visionstack"
_LAST_GOOD = "compose-last.json"
_APPLIES_WITHIN_S = 300.0


class Runner(Protocol):
    """What starts containers."""

    @property
    def kind(self) -> Literal["compose", "kubernetes"]:
        """Which one it is."""

    @property
    def manifests(self) -> Path:
        """What it applies."""

    def start(self, ready_s: float) -> str:
        """Starts the new image; returns what went wrong."""

    def undo(self) -> str:
        """Starts the one before; returns what went wrong."""

    def keep(self) -> None:
        """Notes that the new image is good."""


@dataclass(frozen=True)
class Compose:
    """``docker compose``, or docker-compose of before.

    Attributes:
      command: its program with the first words.
      manifests: the file.
    """

    command: tuple[str, ...]
    manifests: Path
    kind: Literal["compose"] = "compose"

    def start(self, ready_s: float) -> str:
        """Replaces the container of the service, and what it needs where that is not there."""
        return self._up(self.manifests)

    def undo(self) -> str:
        """Starts the last file that went well."""
        last = _last_good()
        if last is None:
            return "no roll-out went well before this one, so there is no image to go back to"
        return self._up(last)

    def keep(self) -> None:
        """Notes the file for the next roll-out's way back."""
        path = folder(FOLDER) / _LAST_GOOD
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps({"file": str(self.manifests.relative_to(home()))}))
        partial.replace(path)

    def _up(self, file: Path) -> str:
        project = str(repository() / "ops" / "compose")
        words = ("--project-directory", project, "-f", str(file), "up", "-d", "service")
        return _said(call([*self.command, *words], _APPLIES_WITHIN_S), "compose up")


@dataclass(frozen=True)
class Kubernetes:
    """``kubectl`` with the context of its own configuration.

    Attributes:
      program: its path.
      manifests: the overlay.
    """

    program: str
    manifests: Path
    kind: Literal["kubernetes"] = "kubernetes"

    def start(self, ready_s: float) -> str:
        """Applies the overlay, and waits until all pods are of it and ready."""
        applied = self._call(_APPLIES_WITHIN_S, "apply", "-k", str(self.manifests))
        if problem := _said(applied, "kubectl apply"):
            return problem
        limit = f"--timeout={max(1, round(ready_s))}s"
        status = self._call(
            ready_s + 30.0, "-n", _NAMESPACE, "rollout", "status", _DEPLOYMENT, limit
        )
        return _said(status, "kubectl rollout status")

    def undo(self) -> str:
        """Goes back to the pods before."""
        undone = self._call(_APPLIES_WITHIN_S, "-n", _NAMESPACE, "rollout", "undo", _DEPLOYMENT)
        return _said(undone, "kubectl rollout undo")

    def keep(self) -> None:
        """The cluster keeps its own history."""

    def _call(self, timeout_s: float, *words: str) -> Called:
        return call([self.program, *words], timeout_s)


def find_runner(
    kind: Literal["compose", "kubernetes"], image: str, version: str, overlay: str = "on-prem"
) -> tuple[Runner | None, Path]:
    """Writes the files, and returns what can apply them here, if anything, and where they are.

    Raises:
      RollOutError: they cannot be written.
    """
    if kind == "compose":
        file = write_compose(image, version)
        command = _find_compose()
        return (Compose(command, file) if command else None), file
    path = write_kubernetes(image, version, overlay)
    program = shutil.which("kubectl")
    return (Kubernetes(program, path) if program else None), path


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
        outcome = "failed" if left else "rolled_back"
        problem = "; ".join(filter(None, [problem, left]))
    else:
        runner.keep()
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


def _find_compose() -> tuple[str, ...] | None:
    if (docker := shutil.which("docker")) and not call([docker, "compose", "version"], 20.0).code:
        return (docker, "compose")
    older = shutil.which("docker-compose")
    return (older,) if older else None


def _last_good() -> Path | None:
    try:
        noted = json.loads((home() / FOLDER / _LAST_GOOD).read_text(encoding="utf-8"))
        path = home() / str(noted["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return path if path.is_file() and os.access(path, os.R_OK) else None


def _said(called: Called, what: str) -> str:
    return f"{what} failed with status {called.code}: {called.tail}" if called.code else ""
