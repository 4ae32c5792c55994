"""From the bytes of one image to an answer, and to the record that is written down of it.

Nothing here reads or writes a file, and nothing but the image itself can make it fail: an
explanation that cannot be drawn is a reason in the answer.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from serving.explain import draw_explanation
from serving.record import SHADOW, Floats, PredictionRecord
from serving.schema import Answer, DriftVerdict, Explanation, ModelReference, Prediction
from serving.settings import ServiceSettings
from vision.bundles.load import ServingModel, ServingOutput
from vision.images.decode import changes_of, decode_with_header
from vision.images.preprocess import resize_image
from vision.images.types import Pixels

logger = logging.getLogger("bentoml.visionstack")

Probabilities = npt.NDArray[np.float64]
PictureKind = Literal["heatmap", "overlay"]
PictureFormat = Literal["jpeg", "png"]


@dataclass(frozen=True)
class PredictOptions:
    """What a client asks for besides the prediction.

    Attributes:
      top_k: how many of the most probable classes are listed; 0 for none.
      explain: which picture comes with the answer.
      picture_format: the format of that picture.
    """

    top_k: int = 0
    explain: PictureKind | None = None
    picture_format: PictureFormat = "jpeg"


@dataclass(frozen=True, eq=False)
class Predicted:
    """One prediction.

    Attributes:
      answer: what the client gets.
      record: what is written down.
      activation_map: ``(h, w)``, where the winning class was seen.
      seconds: how long each stage took: ``decode``, ``graph``, ``explain``.
    """

    answer: Answer
    record: PredictionRecord
    activation_map: Floats
    seconds: dict[str, float]


def predict_image(
    model: ServingModel,
    data: bytes,
    options: PredictOptions,
    settings: ServiceSettings,
    request_id: str,
    drift: DriftVerdict,
) -> Predicted:
    """Decodes and classifies one image; takes a CPU for as long as it runs.

    Raises:
      ImageError: the bytes are not a usable image.
    """
    started = time.perf_counter()
    pixels, header = decode_with_header(data, settings.image_limits)
    resized = resize_image(pixels, model.manifest.input_size)
    decoded = time.perf_counter()
    output = model.predict(resized[None])
    predicted = time.perf_counter()
    explanation = _explain(output, pixels, options)
    ended = time.perf_counter()
    row = output.probabilities[0]
    best = int(row.argmax())
    is_abstained = float(row[best]) < settings.abstain_below
    shown = _rounded(row, settings.probability_digits)
    answer = Answer(
        request_id=request_id,
        model=reference(model),
        prediction=_prediction(model, shown, best),
        abstained=is_abstained,
        top=_top(model, shown, row, options.top_k),
        probabilities=dict(zip(model.manifest.classes, shown.tolist(), strict=True)),
        drift=drift,
        warnings=changes_of(header),
        explanation=explanation,
    )
    record = _record(model, request_id, output, is_abstained, pixels, data, ended - started)
    seconds = {"decode": decoded - started, "graph": predicted - decoded}
    if options.explain is not None:
        seconds["explain"] = ended - predicted
    return Predicted(answer, record, output.activation_map[0], seconds)


def predict_pixels(
    model: ServingModel, answered: PredictionRecord, settings: ServiceSettings
) -> PredictionRecord:
    """Classifies an image that another model has answered, for the log alone.

    Args:
      model: what answers now.
      answered: the record of the other answer, with the decoded image.
      settings: of the service.

    Returns:
      The record, under the same request id with ``-shadow`` behind it.
    """
    started = time.perf_counter()
    resized = resize_image(answered.pixels, model.manifest.input_size)
    output = model.predict(resized[None])
    is_abstained = float(output.probabilities[0].max()) < settings.abstain_below
    seconds = time.perf_counter() - started
    request_id = f"{answered.request_id}{SHADOW}"
    return _record(model, request_id, output, is_abstained, answered.pixels, answered.data, seconds)


def reference(model: ServingModel) -> ModelReference:
    """Returns name and version of a model."""
    return ModelReference(name=model.manifest.name, version=model.manifest.version)


def _record(
    model: ServingModel,
    request_id: str,
    output: ServingOutput,
    is_abstained: bool,
    pixels: Pixels,
    data: bytes,
    latency_s: float,
) -> PredictionRecord:
    row = output.probabilities[0]
    best = int(row.argmax())
    return PredictionRecord(
        request_id=request_id,
        model_name=model.manifest.name,
        model_version=model.manifest.version,
        label=model.manifest.classes[best],
        probability=float(row[best]),
        is_abstained=is_abstained,
        classes=model.manifest.classes,
        probabilities=row,
        embedding_uae=output.embedding_uae[0],
        embedding_bbsd=output.embedding_bbsd[0],
        embedding_penultimate=output.embedding_penultimate[0],
        pixels=pixels,
        data=data,
        latency_s=latency_s,
    )


def _prediction(model: ServingModel, shown: Probabilities, index: int) -> Prediction:
    return Prediction(label=model.manifest.classes[index], probability=float(shown[index]))


def _top(
    model: ServingModel, shown: Probabilities, row: Floats, top_k: int
) -> tuple[Prediction, ...]:
    # Classes of one probability stand in class order, whatever the sort does.
    order = np.argsort(-row, kind="stable")[:top_k]
    return tuple(_prediction(model, shown, int(index)) for index in order)


def _rounded(row: Floats, digits: int | None) -> Probabilities:
    exact = row.astype(np.float64)
    return exact if digits is None else np.round(exact, digits)


def _explain(output: ServingOutput, pixels: Pixels, options: PredictOptions) -> Explanation | None:
    if options.explain is None:
        return None
    try:
        return draw_explanation(
            output.activation_map[0], pixels, options.explain, options.picture_format
        )
    except Exception:
        logger.exception("An explanation could not be drawn")
        return Explanation(
            kind=options.explain,
            media_type=None,
            reason="The picture could not be drawn; the log of the service says why.",
        )
