"""Builds the image of the service: a bento, the bundle it answers with, and its packages.

The image starts without any store or network: the bundle lies in it, and ``VISIONSTACK_BUNDLE``
names it. ops/image/Containerfile says what is where; docs/deployment.md, why it is not the one that
``bentoml containerize`` makes.

The same bento, bundle, labels and base give the same layers with podman and buildah: every file has
the same time, whatever is built, so that images of two model versions share their packages; when it
was made is a label. The digest is the same while the builder keeps its intermediate images, whose
ids it writes into the history. bento.yaml, which BentoML writes, holds the time of ``bentoml
build``, so two builds of one bento differ in that file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from steps.packaging.base_image import base_digest
from steps.packaging.build_folder import build_folder
from steps.packaging.builder import BuilderName, choose_builder
from steps.packaging.containers import PackagingError, Tool, ToolName
from steps.packaging.image_name import recipe
from steps.packaging.oci_archive import read_archive
from steps.packaging.package_index import write_secrets
from steps.packaging.saving import save_archive
from vision.bundles.files import verify_files
from vision.bundles.manifest import Manifest, read_manifest

DEFAULT_BASE = "python:3.11-slim-bookworm"
REQUIREMENTS = Path("env", "python", "requirements.txt")
# An image says by this of which bento it is; from its name nobody could tell.
BENTO_DIGEST_LABEL = "visionstack.bento.digest"

# 1980-01-01, the oldest that every archive format can hold.
_EPOCH = 315_532_800
# The first build fetches about 250 MB of packages.
_BUILT_WITHIN_S = 1800.0
_FROM_BENTO = ("src", "apis", "bento.yaml", "README.md")


@dataclass(frozen=True)
class ImageRequest:
    """What is to be built.

    Attributes:
      bento_folder: of a built bento; it holds ``bento.yaml``.
      bundle: the bundle that the image answers with.
      archive: where the image is saved, as an OCI archive.
      tag: the image's name, as :func:`~steps.packaging.image_name.image_tag` makes it.
      builder: as in ``deployment.image.builder``.
      base: what ``FROM`` names; on a machine without a registry, ops/image/make_base.sh makes it.
      labels: beside those of :func:`oci_labels`; these win.
    """

    bento_folder: Path
    bundle: Path
    archive: Path
    tag: str
    builder: BuilderName = "auto"
    base: str = DEFAULT_BASE
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltImage:
    """An image that was built and saved.

    Attributes:
      tag: its name in the builder's store.
      digest: ``sha256:...`` of its manifest in the archive.
      n_bytes: of its layers, unpacked.
      builder: what built it.
      archive: the OCI archive.
      labels: what it says about itself.
      base_digest: of the image that it stands on, in its registry; None where that is not known.
    """

    tag: str
    digest: str
    n_bytes: int
    builder: ToolName
    archive: Path
    labels: Mapping[str, str]
    base_digest: str | None = None


def build_image(request: ImageRequest) -> BuiltImage:
    """Builds the image and saves it; what another build left in the builder's store is used again.

    Raises:
      PackagingError: there is no builder, the folder is no bento with locked packages, or building
        or saving failed; the message has the builder and the end of what it said.
      BundleError: the bundle is not what its manifest says.
    """
    tool = choose_builder(request.builder).require()
    manifest = read_manifest(request.bundle)
    verify_files(request.bundle, manifest)
    labels = {**oci_labels(manifest, request.base), **request.labels}
    with build_folder() as folder:
        context, secrets = folder / "context", folder / "secrets"
        context.mkdir()
        secrets.mkdir()
        lay_out(request, context, _EPOCH)
        command = build_command(tool.name, context, request.tag, request.base, labels, _EPOCH)
        command[1:1] = write_secrets(secrets, os.environ)
        tool.do(
            *command,
            next_move=_next_move(request.base),
            timeout_s=_BUILT_WITHIN_S,
            environment={**os.environ, "SOURCE_DATE_EPOCH": str(_EPOCH)},
        )
    save_archive(tool, request.tag, request.archive)
    saved = read_archive(request.archive)
    return BuiltImage(
        request.tag,
        saved.digest,
        saved.n_bytes,
        tool.name,
        request.archive,
        labels,
        base_digest(tool, request.base),
    )


def oci_labels(manifest: Manifest, base: str) -> dict[str, str]:
    """Returns what an image says about its model; what is not known is left out.

    The names with ``org.opencontainers.image`` are those of the OCI; ``revision`` is the commit of
    the code that trained the model, unless the caller knows that of the service.
    """
    lineage = manifest.lineage
    said = {
        "org.opencontainers.image.title": "visionstack",
        "org.opencontainers.image.description": "Classifies images; bento, bundle and packages.",
        "org.opencontainers.image.version": f"{manifest.name}-{manifest.version}",
        "org.opencontainers.image.created": manifest.created_at.isoformat(timespec="seconds"),
        "org.opencontainers.image.revision": lineage.git_commit,
        "org.opencontainers.image.base.name": base,
        "visionstack.model.name": manifest.name,
        "visionstack.model.version": manifest.version,
        "visionstack.data.revision": lineage.dataset_revision,
        "visionstack.data.digest": lineage.data_digest,
        "visionstack.tracking.run": lineage.tracking_run,
        "visionstack.pipeline.run": lineage.pipeline_run,
        **{
            f"visionstack.metric.{name}": f"{value:.6g}"
            for name, value in manifest.metrics.items()
            if value is not None
        },
    }
    return {name: value for name, value in said.items() if value}


def lay_out(request: ImageRequest, context: Path, epoch: int) -> None:
    """Copies what the image is made from into ``context``, with one time and plain permissions.

    Raises:
      PackagingError: the folder is no bento, or its packages are not locked by hashes.
    """
    check_bento(request.bento_folder)
    bento = context / "bento"
    for part in _FROM_BENTO:
        source, target = request.bento_folder / part, bento / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    (bento / REQUIREMENTS).parent.mkdir(parents=True)
    shutil.copyfile(request.bento_folder / REQUIREMENTS, bento / REQUIREMENTS)
    shutil.copytree(request.bundle, context / "bundle")
    for source in recipe():
        shutil.copyfile(source, context / source.name)
    for path in (context, *context.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.name == "ready.py" else 0o644)
        os.utime(path, (epoch, epoch))


def check_bento(folder: Path) -> None:
    """Checks that a folder is a built bento whose packages are locked by hashes.

    Raises:
      PackagingError: it is not; the message says what is missing and what to do.
    """
    for part in (*_FROM_BENTO, REQUIREMENTS):
        if not (folder / part).exists():
            raise PackagingError(
                f"{folder} is no bento with locked packages: it has no {part}; "
                "build it with `bentoml build`"
            )
    if "--hash=sha256:" not in (folder / REQUIREMENTS).read_text(encoding="utf-8"):
        raise PackagingError(
            f"{folder / REQUIREMENTS} has no hashes; name requirements/service.txt or "
            "requirements/service-alibi.txt in bentofile.yaml, and leave lock_packages off"
        )


def build_command(
    builder: ToolName, context: Path, tag: str, base: str, labels: Mapping[str, str], epoch: int
) -> list[str]:
    """Returns the words after the builder's name."""
    command = ["build", "--file", str(context / "Containerfile"), "--tag", tag]
    command += ["--build-arg", f"BASE={base}"]
    for name, value in sorted(labels.items()):
        command += ["--label", f"{name}={value}"]
    if builder != "docker":
        # The OCI's own format knows no health check; docker takes the time from SOURCE_DATE_EPOCH.
        command += ["--format", "docker", "--layers", "--timestamp", str(epoch)]
    return [*command, str(context)]


def _next_move(base: str) -> str:
    return (
        f"if {base} could not be found, make it with ops/image/make_base.sh {base}; "
        "if packages could not be fetched, docs/deployment.md says what a build needs"
    )


def forget_image(tool: Tool, tag: str) -> None:
    """Removes an image from the builder's store; one that is not there is no error."""
    tool.try_to("rmi", tag)
