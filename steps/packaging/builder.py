"""Which of docker, podman and buildah builds here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Literal

from steps.packaging.containers import PackagingError, Tool, ToolName

BuilderName = Literal["auto", "docker", "podman", "buildah", "none"]

# Docker before podman: whoever has set both up can see images of the first in more places.
_ORDER: tuple[ToolName, ...] = ("docker", "podman", "buildah")
# Each asks what has to be there: a daemon that answers, or a store that can be opened.
_QUESTIONS: dict[ToolName, tuple[str, ...]] = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Version.Version}}"),
    "buildah": ("info",),
}
# podman waits for the store while another build writes to it.
_ANSWERS_WITHIN_S = 90.0


@dataclass(frozen=True)
class Choice:
    """Which builder is used, and why not another.

    Attributes:
      wanted: what was asked for.
      tool: the builder; None where there is none, or none is wanted.
      refused: why each builder that was looked at cannot be used.
    """

    wanted: BuilderName
    tool: Tool | None
    refused: dict[ToolName, str]

    @property
    def sentence(self) -> str:
        """Says in one sentence what builds the image, or why nothing does and what to do."""
        why = "; ".join(f"{name}: {reason}" for name, reason in self.refused.items())
        if self.tool is not None:
            return f"{self.tool.name} builds the image" + (f" ({why})" if why else "")
        if self.wanted == "none":
            return "no image is built: deployment.image.builder is none"
        return (
            f"no image can be built here ({why}); install podman or docker, or set "
            "deployment.image.builder: none"
        )

    def require(self) -> Tool:
        """Returns the builder.

        Raises:
          PackagingError: there is none; the message is :attr:`sentence`.
        """
        if self.tool is None:
            raise PackagingError(self.sentence)
        return self.tool


def choose_builder(wanted: BuilderName = "auto") -> Choice:
    """Looks for a builder that answers; ``auto`` takes the first of docker, podman, buildah."""
    if wanted == "none":
        return Choice(wanted, None, {})
    refused: dict[ToolName, str] = {}
    for name in _ORDER if wanted == "auto" else (wanted,):
        program = shutil.which(name)
        if program is None:
            refused[name] = "not installed"
            continue
        tool = Tool(name, program)
        if name == "docker" and _is_podman(tool):
            refused[name] = "it is podman"
            if wanted == "docker":
                refused[name] += "; set deployment.image.builder: podman"
            continue
        asked = tool.try_to(*_QUESTIONS[name], timeout_s=_ANSWERS_WITHIN_S)
        if asked.code != 0:
            refused[name] = asked.tail.splitlines()[-1]
        elif name == "docker" and tool.try_to("buildx", "version").code != 0:
            # Without it docker knows no secrets of a build.
            refused[name] = "it has no buildx; install docker-buildx (docker-buildx-plugin)"
        else:
            return Choice(wanted, tool, refused)
    return Choice(wanted, None, refused)


def _is_podman(docker: Tool) -> bool:
    """Tells whether ``docker`` is a link to podman, as the package podman-docker makes it.

    podman has words of its own for what an image needs: a format that keeps the health check, one
    time for all files, and how it is saved.
    """
    return docker.try_to("--version").output.lower().startswith("podman")


def choose_runner(built_by: ToolName) -> Tool:
    """Returns what starts an image: the builder itself, or podman for buildah, with its store.

    Raises:
      PackagingError: there is none.
    """
    name: ToolName = "podman" if built_by == "buildah" else built_by
    found = choose_builder(name)
    if found.tool is None:
        raise PackagingError(
            f"an image of {built_by} is started by {name}, which cannot be used: "
            f"{found.refused.get(name, '')}; install {name}, or set deployment.image.builder"
        )
    return found.tool
