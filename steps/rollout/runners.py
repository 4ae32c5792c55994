"""What starts an image here: docker compose, or kubectl; and the way back to the one before."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from steps.packaging.containers import Called, call
from steps.promotion.files import FOLDER
from steps.rollout.manifests import COMPOSE_FILE, write_compose, write_kubernetes
from vision.durable import replace_file
from vision.home import folder, home, repository

Kind = Literal["compose", "kubernetes"]

NAMESPACE, DEPLOYMENT = "visionstack", "deployment/visionstack"
_LAST_GOOD = "compose-last.yaml"
_APPLIES_WITHIN_S = 300.0
_TAKEN_UP_WITHIN_S = 30.0
_ASK_AGAIN_S = 1.0
# What is asked for, what the cluster has taken up of it, and the revision of the pods.
_STATE = (
    "jsonpath={.metadata.generation} {.status.observedGeneration} "
    r"{.metadata.annotations.deployment\.kubernetes\.io/revision}"
)


class Runner(Protocol):
    """What starts containers."""

    @property
    def kind(self) -> Kind:
        """Which one it is."""

    @property
    def manifests(self) -> Path:
        """What it applies."""

    def start(self, ready_s: float) -> str:
        """Starts the new image; returns what went wrong."""

    def undo(self, former: str | None, ready_s: float) -> str:
        """Starts the one before; returns what went wrong.

        Args:
          former: the champion before, which is to be served; None for what ran.
          ready_s: within which it must be ready, where the runner waits for that itself.
        """

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

    def undo(self, former: str | None, ready_s: float) -> str:
        """Starts the file of the champion before; without one the last that went well."""
        if former is not None:
            # Not the last: an operator may have gone back from that by hand.
            file = home() / FOLDER / former / COMPOSE_FILE
            if file.is_file():
                return self._up(file)
        last = home() / FOLDER / _LAST_GOOD
        if not last.is_file() or not os.access(last, os.R_OK):
            return "no roll-out went well before this one, so there is no image to go back to"
        return self._up(last)

    def keep(self) -> None:
        """Copies the file, for where the champion before has none."""
        replace_file(folder(FOLDER) / _LAST_GOOD, self.manifests.read_text(encoding="utf-8"))

    def _up(self, file: Path) -> str:
        words = [*self.command, *_up_words(file)]
        return _said(call(words, _APPLIES_WITHIN_S), "compose up")


@dataclass
class Kubernetes:
    """``kubectl`` with the context of its own configuration.

    Attributes:
      program: its path.
      manifests: the overlay.
      before: the revision that was there before the start, empty for none; None until something is
        applied.
    """

    program: str
    manifests: Path
    kind: Literal["kubernetes"] = "kubernetes"
    before: str | None = field(default=None, init=False)

    def start(self, ready_s: float) -> str:
        """Applies the overlay, and waits until all pods are of it and ready."""
        asked = self._ask()
        if problem := _said(asked, "kubectl get"):
            return f"nothing was applied: {problem}"
        _, _, self.before = _read_state(asked)
        applied = self._call(_APPLIES_WITHIN_S, "apply", "-k", str(self.manifests))
        if problem := _said(applied, "kubectl apply"):
            return problem
        return self._wait(ready_s)

    def undo(self, former: str | None, ready_s: float) -> str:
        """Goes back to the revision of before the start, unless it is still that one."""
        if self.before is None:
            return ""
        if not self.before:
            return (
                "this was the first roll-out there, so there is no revision to go back to; look at "
                f"`kubectl -n {NAMESPACE} get pods`"
            )
        if not self._has_changed():
            return ""
        # Without the number it would be the one before the last, whatever began in between.
        number = f"--to-revision={self.before}"
        words = ("-n", NAMESPACE, "rollout", "undo", DEPLOYMENT, number)
        undone = self._call(_APPLIES_WITHIN_S, *words)
        return _said(undone, "kubectl rollout undo") or self._wait(ready_s)

    def keep(self) -> None:
        """The cluster keeps its own history."""

    def _wait(self, ready_s: float) -> str:
        limit = f"--timeout={max(1, round(ready_s))}s"
        words = ("-n", NAMESPACE, "rollout", "status", DEPLOYMENT, limit)
        return _said(self._call(ready_s + 30.0, *words), "kubectl rollout status")

    def _has_changed(self) -> bool:
        """Tells whether another revision has begun; True where the cluster does not say."""
        deadline = time.monotonic() + _TAKEN_UP_WITHIN_S
        while True:
            asked = self._ask()
            wanted, taken_up, revision = _read_state(asked)
            if asked.code:
                return True
            if wanted == taken_up:
                return revision != self.before
            if time.monotonic() >= deadline:
                return True
            time.sleep(_ASK_AGAIN_S)

    def _ask(self) -> Called:
        words = ("-n", NAMESPACE, "get", DEPLOYMENT, "--ignore-not-found", "--output", _STATE)
        return self._call(_APPLIES_WITHIN_S, *words)

    def _call(self, timeout_s: float, *words: str) -> Called:
        return call([self.program, *words], timeout_s)


def find_runner(
    kind: Kind, image: str, version: str, overlay: str = "on-prem"
) -> tuple[Runner | None, Path]:
    """Writes the files, and returns what can apply them here, if anything, and where they are.

    Args:
      kind: which one.
      image: its full name.
      version: of the model in it.
      overlay: of Kubernetes, by name, or a folder.

    Raises:
      RollOutError: the files cannot be written.
    """
    if kind == "compose":
        path = write_compose(image, version)
    else:
        path = write_kubernetes(image, version, overlay)
    return runner_of(kind, path), path


def runner_of(kind: Kind, manifests: Path) -> Runner | None:
    """Returns what can apply files that were written; None where its program is not here."""
    if kind == "compose":
        command = _find_compose()
        return Compose(command, manifests) if command else None
    program = shutil.which("kubectl")
    return Kubernetes(program, manifests) if program else None


def by_hand(kind: Kind, manifests: Path) -> str:
    """Returns the command that applies the files."""
    if kind == "kubernetes":
        return f"kubectl apply -k {manifests}"
    return " ".join(["docker", "compose", *_up_words(manifests)])


def _up_words(file: Path) -> list[str]:
    project = str(repository() / "ops" / "compose")
    return ["--project-directory", project, "-f", str(file), "up", "-d", "service"]


def _find_compose() -> tuple[str, ...] | None:
    if (docker := shutil.which("docker")) and not call([docker, "compose", "version"], 20.0).code:
        return (docker, "compose")
    older = shutil.which("docker-compose")
    return (older,) if older else None


def _read_state(asked: Called) -> tuple[str, str, str]:
    """Reads what :data:`_STATE` asks for; all empty where there is no Deployment."""
    wanted, taken_up, revision = (*asked.output.strip("\n").split(" "), "", "", "")[:3]
    return wanted, taken_up, revision


def _said(called: Called, what: str) -> str:
    return f"{what} failed with status {called.code}: {called.tail}" if called.code else ""
