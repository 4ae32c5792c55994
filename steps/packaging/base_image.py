"""Which image a build stood on: ``python:3.11-slim-bookworm`` moves, a digest does not."""

from __future__ import annotations

import json

from steps.packaging.containers import Tool

# An image that was made on this machine has a digest, and no registry that anyone could ask for it.
_MADE_HERE = "localhost/"
_FETCHED_WITHIN_S = 600.0


def base_digest(tool: Tool, base: str) -> str | None:
    """Returns the digest that a base has in its registry, as the builder's store knows it.

    Args:
      tool: what built on it.
      base: its name.

    Returns:
      ``sha256:...``; None for a base that was made here, and where the store does not say.
    """
    if "@" in base:
        return base.partition("@")[2]
    if tool.name == "buildah":
        form = "{{.FromImage}}@{{.FromImageDigest}}"
        asked = tool.try_to("inspect", "--type", "image", "--format", form, base)
        names = [] if asked.code else [asked.output.strip()]
    else:
        form = "{{json .RepoDigests}}"
        asked = tool.try_to("image", "inspect", "--format", form, base)
        names = [] if asked.code else _listed(asked.output)
    digests = [name.partition("@")[2] for name in names if not name.startswith(_MADE_HERE)]
    return next((digest for digest in digests if digest.startswith("sha256:")), None)


def known_base(tool: Tool, base: str) -> str:
    """Returns what tells a base from every other one, as far as that is known before a build.

    A base that the builder's store does not have is fetched, as the build would do.

    Args:
      tool: what will build on it.
      base: its name.

    Returns:
      The digest that it has in its registry; for a base that was made here its id, which another
      one of that name does not have; else what is named.
    """
    if "@" in base:
        return base.partition("@")[2]
    if not _id(tool, base):
        # Where this fails, the build says why.
        tool.try_to("pull", base, timeout_s=_FETCHED_WITHIN_S)
    return base_digest(tool, base) or _id(tool, base) or base


def _id(tool: Tool, base: str) -> str:
    """Returns the id of a base in the builder's store; empty if it is not there."""
    if tool.name == "buildah":
        asked = tool.try_to("inspect", "--type", "image", "--format", "{{.FromImageID}}", base)
    else:
        asked = tool.try_to("image", "inspect", "--format", "{{.Id}}", base)
    return "" if asked.code else asked.output.strip().removeprefix("sha256:")


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [str(each) for each in found] if isinstance(found, list) else []
