"""Makes a bundle: the one thing that crosses from training to serving.

A bundle is written beside its place and renamed into it when everything in it has been loaded and
checked by the code that will serve it. What cannot be served never gets a name.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vision.bundles.drift_files import write_drift
from vision.bundles.export import export_graph
from vision.bundles.files import list_files
from vision.bundles.golden import choose_golden, copy_golden, read_golden, write_answers
from vision.bundles.keys import open_key
from vision.bundles.load import ServingModel
from vision.bundles.manifest import (
    GRAPH_FILE,
    LABELS_FILE,
    Lineage,
    Manifest,
    Parity,
    Versions,
    write_manifest,
)
from vision.bundles.model_card import write_model_card
from vision.bundles.reference import reference_rows, write_reference
from vision.bundles.signature import sign_bundle
from vision.config import BundleConfig, DriftConfig, ModelConfig
from vision.datasets.table import SPLITS, AnnotationTable
from vision.drift.detectors import REFERENCE_FILE
from vision.errors import BundleError
from vision.home import folder as home_folder

MODEL_FILE = "model.keras"


@dataclass(frozen=True)
class BundleSource:
    """What a bundle is made from.

    Attributes:
      network: the trained ``keras.Model``.
      table: the annotation table it was trained on.
      properties: the image-property table of the same images.
      metrics: results of the evaluation.
      lineage: where the model came from.
    """

    network: Any
    table: AnnotationTable
    properties: pd.DataFrame
    metrics: dict[str, float]
    lineage: Lineage


@dataclass(frozen=True)
class Bundle:
    """A complete bundle on disk.

    Attributes:
      folder: the folder that holds ``manifest.json``.
      manifest: its contents.
    """

    folder: Path
    manifest: Manifest


def build_bundle(
    source: BundleSource, model: ModelConfig, bundle: BundleConfig, drift: DriftConfig
) -> Bundle:
    """Writes a signed bundle to ``bundles/<name>/<version>`` of the project's home.

    Args:
      source: model, data, metrics and lineage.
      model: name, architecture and input size.
      bundle: sizes of the reference set and the golden images, and the parity tolerance.
      drift: the untrained encoder, the detectors and how often they may be wrong.

    Raises:
      BundleError: the graph differs from Keras by more than the tolerance on the golden images, or
        the signing key cannot be used.
      DatasetError: the validation split is empty or too small for drift detectors.
      ModelError: the model has no serving graph, or the drift backend is not installed.
    """
    key = open_key()
    place = home_folder("bundles") / model.name
    place.mkdir(exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".making-", dir=place))
    try:
        manifest = _fill(staging, source, model, bundle, drift)
        sign_bundle(staging, key)
        folder = place / manifest.version
        staging.chmod(0o755)
        staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return Bundle(folder, manifest)


def _fill(
    folder: Path,
    source: BundleSource,
    model: ModelConfig,
    bundle: BundleConfig,
    drift: DriftConfig,
) -> Manifest:
    rows = reference_rows(source.table, bundle.n_reference, drift.encoder_seed)
    source.network.save(folder / MODEL_FILE)
    serve = export_graph(source.network, drift, folder / GRAPH_FILE)
    (folder / LABELS_FILE).write_text(json.dumps(list(source.table.classes), indent=2) + "\n")
    golden = choose_golden(source.table, bundle.n_golden)
    names = copy_golden(source.table, golden, folder)
    # The manifest is rewritten as the folder fills, so that the graph is opened as it will be.
    serving = ServingModel.load(_sealed(folder, _manifest(folder, source, model)))
    parity = _measure_parity(source.network, serve, serving, names, bundle.parity_tolerance)
    write_answers(serving, names, list(golden["label"]))
    write_reference(folder / REFERENCE_FILE, serving, source.table, rows, source.properties)
    write_drift(folder, serving, source.table, rows, drift)
    manifest = _manifest(folder, source, model).model_copy(update={"parity": parity})
    n_images = {split: len(source.table.rows(split)) for split in SPLITS}
    # The card names the version, so it is no part of what the version is made of.
    write_model_card(folder, manifest, n_images)
    manifest = manifest.model_copy(update={"files": list_files(folder)})
    write_manifest(folder, manifest)
    ServingModel.load(folder).check_golden()
    return manifest


def _sealed(folder: Path, manifest: Manifest) -> Path:
    write_manifest(folder, manifest)
    return folder


def _manifest(folder: Path, source: BundleSource, model: ModelConfig) -> Manifest:
    files = list_files(folder)
    now = datetime.now(UTC)
    content = json.dumps({path: entry.sha256 for path, entry in files.items()}, sort_keys=True)
    short = hashlib.sha256(content.encode()).hexdigest()[:8]
    return Manifest(
        name=model.name,
        version=f"{now:%Y%m%d-%H%M%S}-{short}",
        created_at=now,
        architecture=model.architecture,
        input_size=model.input_size,
        task=model.task,
        classes=source.table.classes,
        n_parameters=source.network.count_params(),
        files=files,
        lineage=source.lineage,
        versions=_versions(),
        metrics={
            name: value if math.isfinite(value) else None for name, value in source.metrics.items()
        },
        parity=Parity(n_images=1, max_difference=0.0, tolerance=1.0),
    )


def _measure_parity(
    network: Any,
    serve: Callable[[Any], dict[str, Any]],
    serving: ServingModel,
    names: list[str],
    tolerance: float,
) -> Parity:
    """Compares Keras with the graph on the golden images: probabilities, embeddings and map."""
    images = read_golden(serving.folder, names, serving.manifest.input_size)
    found = serving.predict(images)
    expected = {name: np.asarray(value) for name, value in serve(images).items()}
    expected["probabilities"] = np.asarray(network(images, training=False))
    differences = {
        name: float(np.abs(getattr(found, name) - value).max()) for name, value in expected.items()
    }
    name, worst = max(differences.items(), key=lambda item: item[1])
    # NaN compares false with everything, so the condition is written the accepting way round.
    if not all(difference <= tolerance for difference in differences.values()):
        raise BundleError(
            f"the serving graph differs from Keras by {worst:.3g} in {name} on the golden images, "
            f"allowed are {tolerance:g} (bundle.parity_tolerance); train in float32, or choose "
            "another architecture"
        )
    return Parity(n_images=len(names), max_difference=worst, tolerance=tolerance)


def _versions() -> Versions:
    import cv2
    import keras
    import onnxruntime
    import tensorflow

    return Versions(
        python=platform.python_version(),
        numpy=np.__version__,
        opencv=cv2.__version__,
        tensorflow=tensorflow.__version__,
        keras=keras.__version__,
        onnxruntime=onnxruntime.__version__,
    )
