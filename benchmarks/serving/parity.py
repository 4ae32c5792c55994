"""Compares what the servers answer, so that no one is fast by being wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from client import ask, multipart_request

TOLERANCE = 1e-4


def check_parity(ports: Mapping[str, int], photos: Sequence[bytes]) -> float:
    """Asks every server about every photograph.

    Args:
      ports: of the servers ``service``, ``bare`` and ``baseline``.
      photos: JPEG files.

    Returns:
      The largest difference of a probability.

    Raises:
      SystemExit: labels differ, probabilities differ by more than 1e-4, or an overlay is no
        picture of the photograph's size.
    """
    worst = 0.0
    for number, photo in enumerate(photos):
        answers = {name: _answer(port, photo, {}) for name, port in ports.items()}
        labels = {name: _label(answer) for name, answer in answers.items()}
        if len(set(labels.values())) != 1:
            raise SystemExit(f"photograph {number}: the servers disagree: {labels}")
        rows = [list(answer["probabilities"].values()) for answer in answers.values()]
        worst = max(worst, float(np.ptp(rows, axis=0).max()))
        size = _size(photo)
        for name in ("service", "baseline"):
            answer = _answer(ports[name], photo, {"explain": "overlay", "format": "png"})
            if _size(base64.b64decode(_overlay(answer))) != size:
                raise SystemExit(f"photograph {number}: the overlay of {name} is no picture of it")
    if worst > TOLERANCE:
        raise SystemExit(f"probabilities differ by {worst:.3g}, allowed are {TOLERANCE:g}")
    return worst


def _answer(port: int, photo: bytes, options: Mapping[str, str]) -> Any:
    # The bare server knows no options, so none are sent to it.
    status, body = ask(port, multipart_request("/predict", photo, options))
    if status != 200:
        raise SystemExit(f"port {port} answered {status}: {body[:500]!r}")
    return json.loads(body)


def _label(answer: Any) -> str:
    return str(answer["prediction"]["label"] if "prediction" in answer else answer["label"])


def _overlay(answer: Any) -> str:
    found = answer.get("explanation") or {"data": answer.get("overlay")}
    return str(found["data"] or "")


def _size(data: bytes) -> tuple[int, ...]:
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return () if found is None else tuple(found.shape)
