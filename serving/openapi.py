"""The OpenAPI document of the service, made from the types of :mod:`serving.schema`."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from serving import model_schema, schema
from serving.forms import CandidateChoice, FeedbackForm, ModelChoice
from serving.problems import MEDIA_TYPE
from serving.settings import ServiceSettings
from vision import __version__

_REFERENCE = "#/components/schemas/{model}"
_ANSWERS: tuple[type[BaseModel], ...] = (
    model_schema.Activation,
    schema.Answer,
    schema.BatchAnswer,
    model_schema.CandidateChange,
    schema.DriftReport,
    schema.FeedbackReceipt,
    model_schema.ModelList,
    model_schema.ModelSummary,
    schema.Problem,
    schema.Readiness,
    schema.StoredPrediction,
)
_REQUESTS: tuple[type[BaseModel], ...] = (CandidateChoice, FeedbackForm, ModelChoice)
# What any request may be answered: another method, no key, too many of them.
_ALWAYS = (401, 429)

_TOP_K = {"type": "integer", "minimum": 0, "description": "List so many classes, best first."}
_FORMAT = {"type": "string", "enum": ["jpeg", "png"], "default": "jpeg"}
_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_KEPT_FORMATS = ("jpeg", "png", "webp", "bmp", "tiff")
_TRIAL = {"mode": "canary", "share": 0.1, "for_s": 600}
_REQUEST_ID = {
    "name": "request_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,80}$"},
    "example": "0f8fad5bd9cb469fa16570867728950e",
}


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
    return {
        "openapi": "3.1.0",
        "info": {"title": "visionstack", "version": __version__},
        "paths": _predictions(settings) | _models() | _probes(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": _keys("", "A key of VISIONSTACK_API_KEY, or an admin key.")
            | _keys("admin-", "A key of VISIONSTACK_ADMIN_KEY."),
        },
        # Where the service listens on loopback only, no key is asked for.
        "security": [{}, {"bearer": []}, {"header": []}],
    }


def _keys(prefix: str, meaning: str) -> dict[str, Any]:
    bearer = {"type": "http", "scheme": "bearer", "description": meaning}
    header = {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": meaning}
    return {f"{prefix}bearer": bearer, f"{prefix}header": header}


def _predictions(settings: ServiceSettings) -> dict[str, Any]:
    image = _file(settings)
    images = {"type": "array", "minItems": 1, "maxItems": settings.max_batch_images, "items": image}
    kinds = {"type": "string", "enum": ["none", "heatmap", "overlay"], "default": "none"}
    drawn = {"type": "string", "enum": ["heatmap", "overlay"], "default": "overlay"}
    refusals = (400, 408, 413, 415, 422, 503)
    stored = _operation(
        "getPrediction", "A prediction of before.", schema.StoredPrediction, 404, 503
    )
    kept = _operation("getImage", "The image of a prediction of before.", None, 404, 503)
    kept["responses"]["200"]["content"] = {f"image/{each}": _PICTURE for each in _KEPT_FORMATS}
    for operation in (stored, kept):
        operation["parameters"] = [_REQUEST_ID]
    predict = _operation("predict", "Classifies one image.", schema.Answer, *refusals)
    predict |= _form({"image": image, "top_k": _TOP_K, "explain": kinds, "format": _FORMAT})
    batch = _operation("predictBatch", "Classifies images.", schema.BatchAnswer, *refusals)
    batch |= _form({"images": images, "top_k": _TOP_K})
    explain = _operation("explain", "Draws where the class was seen.", None, *refusals)
    explain |= _form({"image": image, "explain": drawn, "format": _FORMAT})
    explain["responses"]["200"]["content"] = {"image/jpeg": _PICTURE, "image/png": _PICTURE}
    feedback = _operation(
        "giveFeedback", "Says what an image really was.", schema.FeedbackReceipt,
        400, 404, 408, 413, 415, 422, 503, done="202",
    )  # fmt: skip
    example = {"request_id": "0f8fad5bd9cb469fa16570867728950e", "labels": ["3"], "who": "ann"}
    return {
        "/predict": {"post": _change(predict)},
        "/predict_batch": {"post": _change(batch)},
        "/explain": {"post": _change(explain)},
        "/feedback": {"post": _change(feedback) | _json(FeedbackForm, example)},
        "/predictions/{request_id}": {"get": stored},
        "/predictions/{request_id}/image": {"get": kept},
    }


def _models() -> dict[str, Any]:
    refusals = (400, 404, 409, 422, 503)
    example = {"name": "digits", "version": "20260101-120000-0badcafe"}
    activate = _operation(
        "activate", "Serves another version.", model_schema.Activation, *refusals, 408, 413, 415
    )
    rollback = _operation(
        "rollBack", "Serves what was served before.", model_schema.Activation, *refusals
    )
    propose = _operation(
        "tryCandidate", "Tries a version beside the one that is served.",
        model_schema.CandidateChange, *refusals, 408, 413, 415,
    )  # fmt: skip
    end = _operation(
        "endCandidate", "Ends the trial of a candidate.", model_schema.CandidateChange, 409, 503
    )
    listed = _operation("listModels", "What could be served.", model_schema.ModelList)
    # Without an admin key, on loopback, no key is asked for here either.
    admin: dict[str, Any] = {"security": [{}, {"admin-bearer": []}, {"admin-header": []}]}
    return {
        "/model": {
            "get": _operation(
                "getModel", "The model that is served.", model_schema.ModelSummary, 503
            ),
            "put": _change(activate) | _json(ModelChoice, example) | admin,
        },
        "/model/rollback": {"post": _change(rollback) | admin},
        "/model/candidate": {
            "put": _change(propose) | _json(CandidateChoice, example | _TRIAL) | admin,
            "delete": _change(end) | admin,
        },
        "/models": {"get": listed},
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
    responses |= {str(status): _problem(status) for status in sorted({*problems, *_ALWAYS})}
    return {"operationId": operation, "summary": summary, "responses": responses}


def _change(operation: dict[str, Any]) -> dict[str, Any]:
    """Adds what is answered to a page of another site, which may not send anything."""
    responses = operation["responses"] | {"403": _problem(403)}
    return operation | {"responses": dict(sorted(responses.items()))}


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": f"{HTTPStatus(status).phrase}.",
        "content": {MEDIA_TYPE: {"schema": _schema(schema.Problem)}},
    }


def _schema(model: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
