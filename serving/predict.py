"""From the bytes of one image to an answer."""

from __future__ import annotations

from serving.schema import Answer, DriftVerdict, ModelReference, Prediction
from vision.bundles.load import ServingModel
from vision.images.preprocess import load_image
from vision.images.types import ImageLimits


def predict_image(model: ServingModel, data: bytes, limits: ImageLimits, request_id: str) -> Answer:
    """Decodes and classifies one image; takes a CPU for as long as it runs.

    Raises:
      ImageError: the bytes are not a usable image.
    """
    image = load_image(data, model.manifest.input_size, limits)
    row = model.predict(image[None]).probabilities[0]
    best = int(row.argmax())
    return Answer(
        request_id=request_id,
        model=reference(model),
        prediction=Prediction(label=model.manifest.classes[best], probability=float(row[best])),
        abstained=False,
        drift=DriftVerdict(),
        probabilities=dict(zip(model.manifest.classes, row.tolist(), strict=True)),
    )


def reference(model: ServingModel) -> ModelReference:
    """Returns name and version of a model."""
    return ModelReference(name=model.manifest.name, version=model.manifest.version)
