"""Loads a bundle for prediction, without TensorFlow or pandas.

The graph of a bundle takes ``images``, uint8 RGB ``(n, height, width, 3)``, and gives for each
``probabilities`` ``(n, k)``, ``embedding_uae`` ``(n, d)``, ``embedding_bbsd`` ``(n, b)``,
``embedding_penultimate`` ``(n, p)`` and ``activation_map`` ``(n, h, w)``, all float32 and all from
one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import onnxruntime
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vision.bundles.files import verify_files
from vision.bundles.graph import INPUT, OUTPUTS, check_graph, open_graph
from vision.bundles.manifest import (
    GOLDEN_FILE,
    GRAPH_FILE,
    Manifest,
    read_labels,
    read_manifest,
)
from vision.errors import BundleError, ImageError, ModelError
from vision.images.preprocess import load_image

__all__ = [
    "GoldenImage",
    "GoldenImages",
    "ServingModel",
    "ServingOutput",
    "read_manifest",
    "verify_files",
]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ServingOutput:
    """What the graph says about ``n`` images, row by row.

    Attributes:
      probabilities: ``(n, k)``, summing to 1 along a row.
      embedding_uae: ``(n, d)``, the untrained autoencoder's code.
      embedding_bbsd: ``(n, b)``, the softmax outputs or those of ``drift.bbsd_layer``.
      embedding_penultimate: ``(n, p)``, what the logits are made of, projected where it is wide.
      activation_map: ``(n, h, w)``, at least 0; where the winning class was seen.
    """

    probabilities: Floats
    embedding_uae: Floats
    embedding_bbsd: Floats
    embedding_penultimate: Floats
    activation_map: Floats


class GoldenImage(BaseModel):
    """An image and the answer that was stored when the bundle was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    label: str
    probabilities: tuple[float, ...]


class GoldenImages(BaseModel):
    """The contents of ``golden/expected.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: Annotated[tuple[GoldenImage, ...], Field(min_length=1)]


@dataclass(frozen=True)
class ServingModel:
    """One version of a model, ready to predict; nothing about it changes after :meth:`load`.

    :meth:`predict` may be called by several threads at once.
    """

    folder: Path
    manifest: Manifest
    _session: onnxruntime.InferenceSession = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> ServingModel:
        """Verifies every file of the bundle, then opens its graph.

        Raises:
          BundleError: a file is missing, changed or not in the manifest, or the graph does not fit
            the manifest.
        """
        manifest = read_manifest(folder)
        verify_files(folder, manifest)
        if read_labels(folder) != manifest.classes:
            raise BundleError(f"{folder}: labels.json and the manifest disagree on the classes")
        session = open_graph(folder / GRAPH_FILE)
        check_graph(session, manifest, folder / GRAPH_FILE)
        return cls(folder, manifest, session)

    def predict(self, images: npt.NDArray[np.uint8]) -> ServingOutput:
        """Runs the graph once.

        Args:
          images: uint8 RGB ``(n, height, width, 3)`` of the manifest's input size, n at least 1.

        Raises:
          ModelError: the images have another type or shape.
        """
        expected = (*self.manifest.input_size, 3)
        if images.dtype != np.uint8 or images.shape[1:] != expected or not len(images):
            raise ModelError(
                f"images are {images.dtype} {images.shape}, and must be uint8 "
                f"(n, {', '.join(map(str, expected))}) with n >= 1; read them with load_image"
            )
        return ServingOutput(*self._session.run(list(OUTPUTS), {INPUT: images}))

    def check_golden(self) -> float:
        """Compares the answers for the golden images with the stored ones.

        Returns:
          The largest absolute difference of a probability.

        Raises:
          BundleError: an image cannot be read, or its answer differs by more than the manifest's
            tolerance; the message names the image and both labels.
        """
        golden = self._read_golden()
        found = self.predict(np.stack([self._load_golden(image.file) for image in golden]))
        expected = np.asarray([image.probabilities for image in golden], np.float64)
        if expected.shape != found.probabilities.shape:
            raise BundleError(
                f"{self.folder}: {GOLDEN_FILE} stores {expected.shape[1:]} probabilities an image, "
                f"the graph gives {found.probabilities.shape[1:]}; make a new bundle"
            )
        differences = np.abs(found.probabilities - expected).max(axis=1)
        classes = self.manifest.classes
        # NaN compares false with everything, so the condition is written the accepting way round.
        for image, row, difference in zip(golden, found.probabilities, differences, strict=True):
            if not difference <= self.manifest.parity.tolerance:
                stored = classes[int(np.argmax(image.probabilities))]
                raise BundleError(
                    f"{self.folder}: {image.file} should be {stored!r} and is "
                    f"{classes[int(np.argmax(row))]!r}: "
                    f"probabilities differ by {difference:.3g}, allowed are "
                    f"{self.manifest.parity.tolerance:g}; make a new bundle on this machine"
                )
        return float(differences.max())

    def _read_golden(self) -> tuple[GoldenImage, ...]:
        path = self.folder / GOLDEN_FILE
        try:
            images = GoldenImages.model_validate_json(path.read_bytes()).images
        except (OSError, ValidationError) as error:
            raise BundleError(f"{path} holds no golden images; make a new bundle") from error
        for image in images:
            if image.file not in self.manifest.files:
                raise BundleError(f"{path} names {image.file!r}, which the manifest does not list")
            if len(image.probabilities) != len(self.manifest.classes):
                raise BundleError(
                    f"{path}: {image.file} has {len(image.probabilities)} probabilities for "
                    f"{len(self.manifest.classes)} classes; make a new bundle"
                )
        return images

    def _load_golden(self, file: str) -> npt.NDArray[np.uint8]:
        try:
            return load_image((self.folder / file).read_bytes(), self.manifest.input_size)
        except (OSError, ImageError) as error:
            raise BundleError(f"{self.folder}: {file} cannot be read: {error}") from error
