"""Builds the bento of a model version: the service's code and its packages, as BentoML packs them.

The bundle is not inside. It lies beside the bento, so that the service can change models without a
restart, a version is stored once, and a bento is small; an image holds both.

The version of a bento is a digest of its inputs. So the same inputs are the same bento, which is
built once, and only what :data:`VARIES` names differs where it is built again.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from serving.models.fault import fault_point
from steps.packaging.bento_inputs import (
    REQUIREMENTS,
    BentoInputs,
    bento_labels,
    copy_inputs,
    drift_backend,
    read_inputs,
)
from steps.packaging.containers import PackagingError, call
from steps.packaging.image import check_bento
from vision.bundles.files import verify_files
from vision.bundles.manifest import read_manifest
from vision.packages import BuiltBento
from vision.provenance import read_code_version

NAME = "visionstack"
# Measured: tests/steps/packaging/test_bento_real.py builds one twice and compares every byte.
VARIES = ("bento.yaml: creation_time",)

_BUILT_WITHIN_S = 300.0
_BENTO_FILE = "bento.yaml"
_CREATED = re.compile(rb"^creation_time: .*\n", re.MULTILINE)


def build_bento(bundle: Path, labels: Mapping[str, str] | None = None) -> BuiltBento:
    """Builds a bento for a bundle, or finds the one that was built from the same inputs.

    Args:
      bundle: its drift detectors decide which packages the bento has.
      labels: added to those of :func:`~steps.packaging.bento_inputs.bento_labels`.

    Raises:
      BundleError: the bundle is not what its manifest says.
      PackagingError: BentoML failed, or packed other files than bentofile.yaml names.
    """
    manifest = read_manifest(bundle)
    verify_files(bundle, manifest)
    backend = drift_backend(bundle, manifest)
    said = {**bento_labels(manifest, read_code_version()), "drift_backend": backend}
    inputs = read_inputs(REQUIREMENTS[backend], {**said, **(labels or {})})
    folder = build_from(inputs)
    return BuiltBento(
        tag=f"{NAME}:{folder.name}",
        folder=folder,
        digest=content_digest(folder),
        n_bytes=sum(path.stat().st_size for path in _files(folder)),
        backend=backend,
        requirements=inputs.requirements,
        labels=dict(inputs.described["labels"]),
        differs=VARIES,
    )


def build_from(inputs: BentoInputs) -> Path:
    """Builds the bento of these inputs in BentoML's store, or finds it; returns its folder.

    Raises:
      PackagingError: BentoML failed; the message ends with what it said.
    """
    with tempfile.TemporaryDirectory(prefix="visionstack-bento-") as name:
        copies = copy_inputs(inputs, Path(name) / "repository")
        folder = _store() / NAME / copies.version
        if find_fault(folder, copies) is not None:
            _build(copies, folder, Path(name))
            fault_point("bento-built")
    return folder


def content_digest(folder: Path) -> str:
    """Returns the sha256 over all files of a bento, without what two builds do not share."""
    digest = hashlib.sha256()
    for path in _files(folder):
        content = path.read_bytes()
        if path == folder / _BENTO_FILE:
            content = _CREATED.sub(b"", content)
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def find_fault(folder: Path, inputs: BentoInputs) -> str | None:
    """Returns why a folder is not the complete bento of these inputs; None if it is."""
    try:
        check_bento(folder)
        described = yaml.safe_load((folder / _BENTO_FILE).read_bytes())
        if str(described["version"]) != inputs.version:
            return f"{folder} is version {described['version']}"
        packed = {
            path.relative_to(folder / "src").as_posix(): path
            for path in _files(folder)
            if path.is_relative_to(folder / "src")
        }
        if strange := sorted(packed.keys() ^ set(inputs.files)):
            return f"{folder} differs from {inputs.root} in {', '.join(strange[:3])}"
        for name, path in packed.items():
            if path.read_bytes() != (inputs.root / name).read_bytes():
                return f"{path} is not {inputs.root / name}"
    except (OSError, yaml.YAMLError, KeyError, TypeError, PackagingError) as error:
        return str(error)
    return None


def _build(inputs: BentoInputs, folder: Path, scratch: Path) -> None:
    # What a build that was killed has left would be in the way.
    shutil.rmtree(folder, ignore_errors=True)
    file = scratch / "bentofile.yaml"
    file.write_text(yaml.safe_dump(dict(inputs.described)), encoding="utf-8")
    words = ["-m", "bentoml", "build", "--version", inputs.version, "--bentofile", str(file)]
    environment = _environment(inputs.root, scratch)
    # Started there, because Python imports from the working directory first.
    called = call(
        [sys.executable, *words, str(inputs.root)], _BUILT_WITHIN_S, environment, inputs.root
    )
    fault = find_fault(folder, inputs)
    if fault is not None:
        raise PackagingError(
            f"bentoml build ended with status {called.code} and left no usable bento ({fault}):\n"
            f"{called.tail}\n`bentoml build` in the repository shows all of it"
        )


def _environment(root: Path, scratch: Path) -> dict[str, str]:
    """Returns this process's variables without the settings of the service, which it would read."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VISIONSTACK_")}
    return {
        **kept,
        "VISIONSTACK_HOME": str(scratch / "home"),
        "BENTOML_DO_NOT_TRACK": "True",
        # The environment of the repository imports the repository's own code first otherwise.
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _store() -> Path:
    from bentoml._internal.configuration.containers import BentoMLContainer

    return Path(BentoMLContainer.bento_store.get()._path)


def _files(folder: Path) -> list[Path]:
    """Returns the files of a bento, sorted, without what Python compiles when it is served."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
