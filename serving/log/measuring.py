"""The thread that looks at images: measures them, and keeps some as files."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

from serving.log.images import ImageFolder
from serving.log.intake import Image, Intake
from serving.record import PredictionRecord
from vision.images.measure import measure_image

logger = logging.getLogger("bentoml.visionstack.log")

# A moment in which more come in, so that a busy service wakes this thread less often.
_GATHER_S = 0.003
# The drift check needs the same; two threads that ask at once both measure, and find the same.
_measured: WeakKeyDictionary[PredictionRecord, dict[str, Any]] = WeakKeyDictionary()


def measures_of(record: PredictionRecord) -> dict[str, Any]:
    """Returns what the image of a prediction is like, measured once, whoever asks first.

    Empty where the image cannot be measured, which is told in the service's log. What was measured
    is forgotten with the record.
    """
    known = _measured.get(record)
    if known is not None:
        return known
    measures: dict[str, Any] = {}
    try:
        if record.pixels.size:
            measures = measure_image(record.pixels, len(record.data))
    except Exception:  # the boundary: one image must not end the measuring of all
        logger.exception("The image of %s could not be measured", record.request_id)
    _measured[record] = measures
    return measures


class Measurer:
    """Measures what the intake has, until it is stopped and nothing is left."""

    def __init__(self, intake: Intake, images: ImageFolder) -> None:
        self._intake = intake
        self._images = images
        self._is_stopping = threading.Event()

    def run(self) -> None:
        """Works until :meth:`stop`."""
        while True:
            image = self._intake.take_image()
            if image is not None:
                self._intake.measured(image, self._measures(image))
            elif self._is_stopping.is_set():
                return
            else:
                self._images.clean()
                self._intake.to_measure.wait(timeout=60)
                time.sleep(_GATHER_S)

    def stop(self) -> None:
        """Asks :meth:`run` to end once nothing is left."""
        self._is_stopping.set()
        self._intake.to_measure.set()

    def _measures(self, image: Image) -> dict[str, Any]:
        """Returns properties and file of an image, as far as they can be had."""
        record = image.record
        try:
            measures = measures_of(record)
            kept = self._images.keep(record)
            return measures if kept is None else {**measures, "image": kept}
        except Exception:  # the boundary: one image must not end the measuring of all
            logger.exception("The image of %s could not be measured", record.request_id)
            return {}
