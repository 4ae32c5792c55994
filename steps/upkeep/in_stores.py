"""What belongs to model versions in the stores of BentoML and of the builders.

These stores are the account's, so only what has this project's labels counts, and of it only what
is of a version that this home knows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import yaml

from steps.packaging.bento import NAME
from steps.packaging.builder import choose_builder
from steps.packaging.containers import Tool, ToolName
from steps.packaging.record import FOLDER as IMAGES
from steps.upkeep.thing import Found, Owner, Thing, UnsureError, list_entries
from steps.upkeep.versions import MODEL_LABEL, VERSION_LABEL, Known

_PROJECT = {"project": "visionstack"}
_TEST = re.compile(r"visionstack-(test-(?P<port>[0-9]+)|base-[0-9a-f]{8})")
_UNTAGGED = "<none>:<none>"
_ASKED_WITHIN_S = 120.0


def bentoml_home() -> Path:
    """Returns where BentoML keeps its store, without asking it, which would make the folders."""
    chosen = os.environ.get("BENTOML_HOME") or "~/bentoml"
    return Path(os.path.expandvars(chosen)).expanduser().resolve()


def find_bentos(bentoml: Path, known: Known) -> Iterator[Found]:
    """Yields bentos of versions that this home knows, by their labels.

    Raises:
      UnsureError: the folder cannot be read, or is a link.
    """
    for entry in list_entries(bentoml / "bentos" / NAME):
        if not entry.is_dir(follow_symlinks=False):
            continue
        path = Path(entry.path)
        owner = _owner(path / "bento.yaml")
        if owner in known.versions:
            yield Found("bento", path, frozenset({owner}))


def builders() -> Iterator[Tool]:
    """Yields the builders that answer here; buildah and podman have one store."""
    names: tuple[ToolName, ...] = ("docker", "podman", "buildah")
    seen: set[ToolName] = set()
    for name in names:
        if name == "buildah" and "podman" in seen:
            continue
        tool = choose_builder(name).tool
        if tool is not None:
            seen.add(name)
            yield tool


def find_images(tool: Tool, root: Path, known: Known) -> Iterator[Thing]:
    """Yields images of versions that this home knows, by their labels.

    Raises:
      UnsureError: the builder does not say what it has.
    """
    name = "{{.Name}}" if tool.name == "buildah" else "{{.Repository}}"
    form = f"{{{{.ID}}}} {name}:{{{{.Tag}}}}"
    words = ("images", "--no-trunc", "--filter", f"label={MODEL_LABEL}", "--format", form)
    for line in _ask(tool, *words):
        image, reference = line.split()  # buildah fills up with spaces
        # podman finds the containers of an image by its whole id alone, and without this.
        image = image.removeprefix("sha256:")
        owner = _labels(tool, image)
        if owner in known.versions:
            yield Thing(
                kind="image",
                name=image if reference == _UNTAGGED else reference,
                owners=frozenset({owner}),
                n_bytes=None,  # it shares its layers with others
                changed_at=_made_at(root, owner),
                tool=tool,
                user=_container_of(tool, image),
            )


def find_containers(tool: Tool) -> Iterator[Thing]:
    """Yields containers in which images were tried.

    Raises:
      UnsureError: the builder does not say what it has.
    """
    if tool.name == "buildah":
        return
    words = ("ps", "--all", "--filter", f"name={NAME}-", "--format", "{{.Names}}")
    for name in _ask(tool, *words):
        found = _TEST.fullmatch(name)
        if found is None:
            continue
        form = '{"made": {{json .Created}}, "env": {{json .Config.Env}}}'
        asked = tool.try_to("inspect", "--type", "container", "--format", form, name)
        if asked.code:
            continue  # it has gone meanwhile
        said = json.loads(asked.output)
        # As steps.packaging.running starts them; somebody's own may have such a name.
        started = {"BENTOML_HOST=127.0.0.1", f"BENTOML_PORT={found['port'] or 0}"}
        if started <= set(said["env"] or ()):
            made_at = datetime.fromisoformat(said["made"]).timestamp()
            yield Thing("container", name, None, None, made_at, tool=tool)


def _owner(path: Path) -> Owner:
    try:
        labels = yaml.safe_load(path.read_bytes())["labels"]
        if labels.items() >= _PROJECT.items():
            return str(labels.get("model", "")), str(labels.get("model_version", ""))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        pass  # half built, or not of this project
    return "", ""


def _labels(tool: Tool, image: str) -> Owner:
    labels = ".OCIv1.Config.Labels" if tool.name == "buildah" else ".Config.Labels"
    form = f'{{{{index {labels} "{MODEL_LABEL}"}}}} {{{{index {labels} "{VERSION_LABEL}"}}}}'
    asked = tool.try_to("inspect", "--type", "image", "--format", form, image)
    model, _, version = asked.output.strip().partition(" ")
    return (model, version) if asked.code == 0 else ("", "")


def _made_at(root: Path, owner: Owner) -> float | None:
    """Returns when an image of a version was last saved; builders give all images one old time."""
    part = "-".join(owner).lower()
    entries = [each for each in list_entries(root / IMAGES) if part in each.name]
    return max((each.stat(follow_symlinks=False).st_mtime for each in entries), default=None)


def _container_of(tool: Tool, image: str) -> str:
    if tool.name == "buildah":
        return ""  # it refuses by itself
    words = ("ps", "--all", "--filter", f"ancestor={image}", "--format", "{{.Names}}")
    found = _ask(tool, *words)
    return f"the container {found[0]}" if found else ""


def _ask(tool: Tool, *words: str) -> list[str]:
    asked = tool.try_to(*words, timeout_s=_ASKED_WITHIN_S)
    if asked.code:
        raise UnsureError(f"{tool.name} {words[0]} failed with status {asked.code}: {asked.tail}")
    return [line for line in asked.output.splitlines() if line.strip()]
