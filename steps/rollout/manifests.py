"""Writes the files that start an image: for compose, and for Kubernetes.

They are those of ``ops`` with the image filled in, where :mod:`steps.rollout.proven` says; nothing
in the repository is changed. Secrets stay where they are and are never copied. An overlay of the
user's own stays where it is; what is written names it and puts the image in.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import yaml

from steps.rollout.proven import make_way
from steps.rollout.service_client import RollOutError
from vision.home import repository

COMPOSE_FILE = "compose.yaml"
OVERLAYS = ("on-prem", "cloud")

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_COMPOSE_IMAGE = re.compile(r"\$\{VISIONSTACK_IMAGE:\?[^}]*\}")
_KUSTOMIZE_IMAGE = re.compile(r"\{name: visionstack, newName: [^}]*\}")
_TAG = re.compile(r"^[a-z0-9][a-zA-Z0-9._/:@-]*$")


def write_compose(image: str, version: str) -> Path:
    """Writes ``compose.yaml`` and returns its path.

    Raises:
      RollOutError: the image's name cannot be one, or the file of ``ops`` has no place for it.
    """
    source = (repository() / "ops" / "compose" / COMPOSE_FILE).read_text(encoding="utf-8")
    filled = _filled(source, _COMPOSE_IMAGE, _checked(image))
    target = make_way(version, COMPOSE_FILE)
    target.write_text(filled, encoding="utf-8")
    return target


def write_kubernetes(image: str, version: str, overlay: str) -> Path:
    """Writes base and overlay, and returns the overlay's folder.

    Args:
      image: its full name.
      version: of the model in it.
      overlay: one of :data:`OVERLAYS`, or a Kustomize folder whose Deployment is that of the base.

    Raises:
      RollOutError: as above, or the folder is no Kustomize folder.
    """
    place = _kustomized(_checked(image))
    if overlay not in OVERLAYS:
        _check_overlay(Path(overlay))
    target = make_way(version, "kubernetes")
    if overlay not in OVERLAYS:
        return _write_around(Path(overlay), image, target / "overlays" / "own")
    source = repository() / "ops" / "kubernetes"
    shutil.copytree(source / "base", target / "base")
    shutil.copytree(source / "overlays" / overlay, target / "overlays" / overlay)
    file = target / "overlays" / overlay / "kustomization.yaml"
    filled = _filled(file.read_text(encoding="utf-8"), _KUSTOMIZE_IMAGE, place)
    file.write_text(filled, encoding="utf-8")
    return file.parent


def _check_overlay(own: Path) -> None:
    if not any((own / name).is_file() for name in _KUSTOMIZATIONS):
        raise RollOutError(
            f"deployment.overlay {str(own)!r} has no kustomization.yaml; name {', '.join(OVERLAYS)}"
            " or a Kustomize folder that has ops/kubernetes/base among its resources"
        )


def _write_around(own: Path, image: str, target: Path) -> Path:
    target.mkdir(parents=True)
    container = {"name": "service", "image": image}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "visionstack", "namespace": "visionstack"},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    written = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        # Kustomize takes no absolute path.
        "resources": [os.path.relpath(own.resolve(), target.resolve())],
        # A patch and not `images`, which finds no image that the folder has renamed already.
        "patches": [{"patch": yaml.safe_dump(deployment)}],
    }
    (target / "kustomization.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    return target


def _checked(image: str) -> str:
    if not _TAG.fullmatch(image):
        raise RollOutError(f"{image!r} is no name of an image, such as visionstack:digits-1")
    return image


def _kustomized(image: str) -> str:
    name, at, digest = image.partition("@")
    if at:
        return f"{{name: visionstack, newName: {name}, digest: {digest}}}"
    # A port of the registry has a colon too.
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    full = f"{head}/{last}" if head else last
    return f'{{name: visionstack, newName: {full}, newTag: "{tag or "latest"}"}}'


def _filled(text: str, place: re.Pattern[str], image: str) -> str:
    filled, n_times = place.subn(lambda _: image, text)
    if n_times != 1:
        raise RollOutError(
            f"ops has {n_times} places for the image instead of one ({place.pattern}); "
            "restore the file from git"
        )
    return filled
