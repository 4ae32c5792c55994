"""The OpenAPI document of the service, made from the types of :mod:`serving.schema`."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving import schema
from serving.forms import FeedbackForm, ModelChoice
from serving.problems import MEDIA_TYPE
from serving.settings import ServiceSettings
from vision import __version__

_REFERENCE = "#/components/schemas/{model}"
_ANSWERS: tuple[type[BaseModel], ...] = (
    schema.Activation,
    schema.Answer,
    schema.BatchAnswer,
    schema.DriftReport,
    schema.FeedbackReceipt,
    schema.ModelList,
    schema.ModelSummary,
    schema.Problem,
    schema.Readiness,
    schema.StoredPrediction,
)
_REQUESTS: tuple[type[BaseModel], ...] = (FeedbackForm, ModelChoice)
# What any request may be answered: another method, no key, too many of them.
_ALWAYS = (401, 429)

_TOP_K = {"type": "integer", "minimum": 0, "description": "List so many classes, best first."}
_FORMAT = {"type": "string", "enum": ["jpeg", "png"], "default": "jpeg"}


@cache
def describe_service(settings: ServiceSettings) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document."""
    _, schemas = models_json_schema(
        [
            *((model, "serialization") for model in _ANSWERS),
            *((model, "validation") for model in _REQUESTS),
        ],
        ref_template=_REFERENCE,
    )
    keys: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
    return {
        "openapi": "3.1.0",
        "info": {"title": "visionstack", "version": __version__},
        "paths": _predictions(settings) | _models() | _probes(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        # Where the service listens on loopback only, no key is asked for.
        "security": [{}, *keys],
    }


def _predictions(settings: ServiceSettings) -> dict[str, Any]:
    image = _file(settings)
    images = {"type": "array", "minItems": 1, "maxItems": settings.max_batch_images, "items": image}
    kinds = {"type": "string", "enum": ["none", "heatmap", "overlay"], "default": "none"}
    drawn = {"type": "string", "enum": ["heatmap", "overlay"], "default": "overlay"}
    refusals = (400, 408, 413, 415, 422, 503)
    stored = _operation(
        "getPrediction", "A prediction of before.", schema.StoredPrediction, 404, 503
    )
    stored["parameters"] = [
        {
            "name": "request_id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,72}$"},
            "example": "0f8fad5bd9cb469fa16570867728950e",
        }
    ]
    predict = _operation("predict", "Classifies one image.", schema.Answer, *refusals)
    predict |= _form({"image": image, "top_k": _TOP_K, "explain": kinds, "format": _FORMAT})
    batch = _operation("predictBatch", "Classifies images.", schema.BatchAnswer, *refusals)
    batch |= _form({"images": images, "top_k": _TOP_K})
    explain = _operation("explain", "Draws where the class was seen.", None, *refusals)
    explain |= _form({"image": image, "explain": drawn, "format": _FORMAT})
    picture = {"schema": {"type": "string", "format": "binary"}}
    explain["responses"]["200"]["content"] = {"image/jpeg": picture, "image/png": picture}
    feedback = _operation(
        "giveFeedback", "Says what an image really was.", schema.FeedbackReceipt,
        400, 408, 413, 415, 422, 503, done="202",
    )  # fmt: skip
    example = {"request_id": "0f8fad5bd9cb469fa16570867728950e", "labels": ["3"], "who": "ann"}
    return {
        "/predict": {"post": predict},
        "/predict_batch": {"post": batch},
        "/explain": {"post": explain},
        "/feedback": {"post": feedback | _json(FeedbackForm, example)},
        "/predictions/{request_id}": {"get": stored},
    }


def _models() -> dict[str, Any]:
    refusals = (400, 404, 408, 409, 413, 415, 422)
    example = {"name": "digits", "version": "20260101-120000-0badcafe"}
    activate = _operation("activate", "Serves another version.", schema.Activation, *refusals)
    return {
        "/model": {
            "get": _operation("getModel", "The model that is served.", schema.ModelSummary, 503),
            "put": activate | _json(ModelChoice, example),
        },
        "/model/rollback": {
            "post": _operation(
                "rollBack", "Serves what was served before.", schema.Activation, 409, 422
            )
        },
        "/models": {"get": _operation("listModels", "What could be served.", schema.ModelList)},
    }


def _probes() -> dict[str, Any]:
    alive = _operation("isAlive", "The process answers.", None)
    ready = _operation("isReady", "The model can predict.", schema.Readiness, 503)
    return {
        "/drift": {"get": _operation("getDrift", "The last drift checks.", schema.DriftReport)},
        "/livez": {"get": alive | {"security": [{}]}},
        "/readyz": {"get": ready | {"security": [{}]}},
    }


def _file(settings: ServiceSettings) -> dict[str, Any]:
    largest = f"at most {settings.max_bytes:,} bytes and {settings.max_pixels:,} pixels"
    return {
        "type": "string",
        "format": "binary",
        "contentMediaType": "image/*",
        "description": f"A JPEG, PNG, WebP, BMP or TIFF file of {largest}.",
    }


def _form(fields: dict[str, Any]) -> dict[str, Any]:
    content = {
        "type": "object",
        "required": [next(iter(fields))],
        "additionalProperties": False,
        "properties": fields,
    }
    body = {"required": True, "content": {"multipart/form-data": {"schema": content}}}
    return {"requestBody": body}


def _json(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": _schema(model), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _operation(
    operation: str, summary: str, answer: type | None, *problems: int, done: str = "200"
) -> dict[str, Any]:
    content = {"type": "object"} if answer is None else _schema(answer)
    responses: dict[str, Any] = {
        done: {"description": "Done.", "content": {"application/json": {"schema": content}}}
    }
    for status in sorted({*problems, *_ALWAYS}):
        responses[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}.",
            "content": {MEDIA_TYPE: {"schema": _schema(schema.Problem)}},
        }
    return {"operationId": operation, "summary": summary, "responses": responses}


def _schema(model: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
