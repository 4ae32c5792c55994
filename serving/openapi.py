"""The OpenAPI document of the service, made from the types of :mod:`serving.schema`."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from serving.problems import MEDIA_TYPE
from serving.schema import Answer, ModelSummary, Problem, Readiness
from serving.upload import FIELD, UploadLimits
from vision import __version__

_REFERENCE = "#/components/schemas/{model}"


@cache
def describe_service(limits: UploadLimits) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document."""
    _, schemas = models_json_schema(
        [(model, "serialization") for model in (Answer, ModelSummary, Problem, Readiness)],
        ref_template=_REFERENCE,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "visionstack", "version": __version__},
        "paths": {
            "/predict": {"post": _predict(limits)},
            "/model": {"get": _get("describeModel", "The model that is served.", ModelSummary)},
            "/livez": {"get": _get("isAlive", "The process answers.", None)},
            "/readyz": {"get": _get("isReady", "The model can predict.", Readiness)},
        },
        "components": {"schemas": schemas["$defs"]},
    }


def _predict(limits: UploadLimits) -> dict[str, Any]:
    largest = f"at most {limits.image.max_bytes:,} bytes and {limits.image.max_pixels:,} pixels"
    form = {
        "type": "object",
        "required": [FIELD],
        "additionalProperties": False,
        "properties": {
            FIELD: {
                "type": "string",
                "format": "binary",
                "contentMediaType": "image/*",
                "description": f"A JPEG, PNG, WebP, BMP or TIFF file of {largest}.",
            }
        },
    }
    return {
        "operationId": "predict",
        "summary": "Classifies one image.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": _responses(Answer, 400, 408, 413, 415, 422, 503),
    }


def _get(operation: str, summary: str, answer: type | None) -> dict[str, Any]:
    statuses = () if answer is None else (503,)
    return {
        "operationId": operation,
        "summary": summary,
        "responses": _responses(answer, *statuses),
    }


def _responses(answer: type | None, *problems: int) -> dict[str, Any]:
    schema = {"type": "object"} if answer is None else _schema(answer)
    found: dict[str, Any] = {
        "200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    }
    for status in problems:
        found[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}.",
            "content": {MEDIA_TYPE: {"schema": _schema(Problem)}},
        }
    return found


def _schema(model: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
