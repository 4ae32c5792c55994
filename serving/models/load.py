"""From the folder of a bundle to a model that can be served at once.

In this order, and nothing after a failure: signature where one is required, manifest, kinds of
files, checksums, graph, golden images, warm-up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from serving.models.fault import fault_point
from serving.models.screen import screen_bundle
from serving.models.state import ModelRefused, Reason
from serving.models.trust import check_signature, check_unchanged, trusted_keys
from vision.bundles.files import verify_files
from vision.bundles.load import ServingModel
from vision.bundles.manifest import Manifest, read_labels, read_manifest
from vision.errors import BundleError

logger = logging.getLogger("bentoml.visionstack")

# ONNX Runtime makes its buffers in the first calls; the third is as fast as any later one.
_WARM_UP_CALLS = 3


def load_model(
    folder: Path,
    identity: tuple[str, str] | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ServingModel:
    """Loads a bundle, checks its golden images and warms it up.

    Args:
      folder: the bundle.
      identity: name and version that it must have; None for any.
      is_stopped: asked between the steps; where it says yes, the rest is left.

    Raises:
      ModelRefused: nobody who is trusted signed it, a file is missing, changed or forbidden, or an
        answer differs from the stored one; or the process ends. The message names the version and
        not where it lies, since it is shown to clients; the log names the folder.
    """
    try:
        return _load(folder, identity, is_stopped)
    except ModelRefused as error:
        what = " ".join(identity) if identity else "the bundle"
        if error.reason != "stopping":
            logger.warning("Refused %s in %s (%s)", what, folder, error.reason)
        raise ModelRefused(error.reason, str(error).replace(str(folder), what)) from error


def _load(
    folder: Path, identity: tuple[str, str] | None, is_stopped: Callable[[], bool]
) -> ServingModel:
    start = time.perf_counter()
    keys = trusted_keys()
    signed = None if keys is None else check_signature(folder, keys)
    manifest = _read(folder, identity)
    model = _open(folder, manifest)
    if signed is not None:
        check_unchanged(signed, model.manifest)
    _go_on(is_stopped, "graph-opened")
    difference = _check(model)
    _go_on(is_stopped, "golden-checked")
    _warm_up(model)
    _go_on(is_stopped, "model-warm")
    logger.info(
        "Loaded %s %s in %.2f s; golden answers differ by %.1e at most",
        manifest.name,
        manifest.version,
        time.perf_counter() - start,
        difference,
    )
    return model


def _read(folder: Path, identity: tuple[str, str] | None) -> Manifest:
    try:
        manifest = read_manifest(folder)
    except BundleError as error:
        raise ModelRefused("manifest", str(error)) from error
    if identity is not None and identity != (manifest.name, manifest.version):
        raise ModelRefused(
            "manifest",
            f"{folder} says that it is {manifest.name!r} version {manifest.version!r}; "
            "store the bundle again",
        )
    return manifest


def _open(folder: Path, manifest: Manifest) -> ServingModel:
    try:
        screen_bundle(folder, manifest)
        return ServingModel.load(folder)
    except ModelRefused:
        raise
    except BundleError as error:
        raise ModelRefused(_reason(folder, manifest), str(error)) from error
    except OSError as error:
        raise ModelRefused("files", f"{folder} cannot be read: {error.strerror}") from error


def _reason(folder: Path, manifest: Manifest) -> Reason:
    """Returns which part of the bundle is at fault; looks again, since this happens rarely."""
    try:
        verify_files(folder, manifest)
    except (BundleError, OSError):
        return "files"
    try:
        return "graph" if read_labels(folder) == manifest.classes else "labels"
    except BundleError:
        return "labels"


def _check(model: ServingModel) -> float:
    try:
        return model.check_golden()
    except BundleError as error:
        raise ModelRefused("golden", str(error)) from error
    except Exception as error:  # ONNX Runtime's errors have no class in common
        raise ModelRefused("graph", f"{model.folder}: the graph does not run: {error}") from error


def _warm_up(model: ServingModel) -> None:
    image = np.zeros((1, *model.manifest.input_size, 3), np.uint8)
    try:
        for _ in range(_WARM_UP_CALLS):
            model.predict(image)
    except Exception as error:  # as above; one image at a time is what is served
        raise ModelRefused("graph", f"{model.folder}: the graph does not run: {error}") from error


def _go_on(is_stopped: Callable[[], bool], point: str) -> None:
    fault_point(point)
    if is_stopped():
        raise ModelRefused("stopping", "the service is stopping; ask the next one")
