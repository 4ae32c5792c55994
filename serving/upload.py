"""Reads what requests bring, within limits: a form with images, or a small JSON document.

Only bytes that are in the request are taken: text in a file field is refused, where BentoML's own
file inputs would fetch it as a URL. The body is counted while it comes in, and reading ends with
the piece that is too much, so no more than the limit is ever held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from serving.multipart import MultipartReader, boundary_of, broken
from serving.parts import FIELD, Form, FormParts
from serving.problems import (
    BAD_REQUEST,
    BAD_VALUE,
    BODY_TOO_LARGE,
    NOT_MULTIPART,
    TIMED_OUT,
    ProblemError,
)
from serving.settings import ServiceSettings
from vision.images.decode import DEFAULT_LIMITS
from vision.images.types import ImageLimits

MAX_JSON_BYTES = 64 * 1024
# Boundaries and part headers around the images; far above what any client sends.
_OVERHEAD_BYTES = 16 * 1024
_MAX_FAULTS = 5
_FORM_HINT = f"with one file in the field '{FIELD}', as `curl -F {FIELD}=@one.png` sends it"

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class UploadLimits:
    """What a request may bring.

    Attributes:
      image: the largest image that is decoded.
      body_s: seconds within which the whole body must have come in.
      max_batch_bytes: of several images together.
      max_batch_images: how many images that may be.
    """

    image: ImageLimits = DEFAULT_LIMITS
    body_s: float = 30.0
    max_batch_bytes: int = 100 * 1024 * 1024
    max_batch_images: int = 100

    @classmethod
    def of(cls, settings: ServiceSettings) -> UploadLimits:
        """Takes the limits from the settings."""
        return cls(
            settings.image_limits,
            settings.body_timeout_s,
            settings.max_batch_bytes,
            settings.max_batch_images,
        )

    @property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body with one image."""
        return self.image.max_bytes + _OVERHEAD_BYTES

    @property
    def max_batch_body_bytes(self) -> int:
        """Bytes of the largest request body with several images."""
        return self.max_batch_bytes + _OVERHEAD_BYTES


async def read_form(
    request: Request,
    limits: UploadLimits,
    *,
    files: int | tuple[int, int] = 1,
    options: frozenset[str] = frozenset(),
) -> Form:
    """Reads a multipart form.

    Args:
      request: whose body nobody has read yet.
      limits: how much it may bring, and how slowly.
      files: how many images: a number for the field ``image``, or the least and the most for
        ``images``.
      options: names of the texts that may be there, each once.

    Raises:
      ProblemError: 400 broken, too few or many files, text in the place of a file, or a field that
        is unknown or comes twice; 408 too slow; 413 too large; 415 another content type.
    """
    boundary = boundary_of(_check_type(request, "multipart/form-data", _FORM_HINT))
    reader, parts = MultipartReader(boundary), FormParts(files, options)

    def take(chunk: bytes) -> None:
        for event in reader.feed(chunk):
            parts.take(event)

    is_batch = not isinstance(files, int)
    max_bytes = limits.max_batch_body_bytes if is_batch else limits.max_body_bytes
    await _read_body(request, max_bytes, limits.body_s, take)
    if not reader.is_done:
        raise broken("it ends before its closing boundary")
    return parts.form()


async def read_json(request: Request, model: type[_Model], limits: UploadLimits) -> _Model:
    """Reads a JSON document of at most 64 KiB into ``model``.

    Raises:
      ProblemError: 400 no JSON; 408 too slow; 413 too large; 415 another content type; 422 values
        that the model refuses, named by their fields and without what was sent.
    """
    _check_type(request, "application/json", "as `curl --json '{...}'` sends it")
    body = bytearray()
    await _read_body(request, MAX_JSON_BYTES, limits.body_s, body.extend)
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        if any(fault["type"] == "json_invalid" for fault in faults):
            raise ProblemError(BAD_REQUEST, "The body is not JSON in UTF-8.") from None
        detail = "; ".join(_in_words(fault, model) for fault in faults[:_MAX_FAULTS])
        raise ProblemError(BAD_VALUE, f"The body has values that cannot be: {detail}.") from None


def _check_type(request: Request, expected: str, hint: str) -> str:
    """Returns the Content-Type; refuses another type before any of the body is read."""
    given = request.headers.get("content-type", "")
    is_plain = request.headers.get("content-encoding", "identity").strip().lower() == "identity"
    if given.partition(";")[0].strip().lower() != expected or not is_plain:
        raise ProblemError(NOT_MULTIPART, f"The body must be {expected}, not compressed, {hint}.")
    return given


async def _read_body(
    request: Request, max_bytes: int, within_s: float, take: Callable[[bytes], Any]
) -> None:
    """Hands the body to ``take`` piece by piece, as far as size and time allow."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    n_bytes = 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                n_bytes += len(chunk)
                if n_bytes > max_bytes:
                    raise _too_large(max_bytes)
                take(chunk)
    except TimeoutError as error:
        detail = f"The body did not come in within {within_s:g} s; send it again."
        raise ProblemError(TIMED_OUT, detail) from error
    except ClientDisconnect as error:
        raise ProblemError(BAD_REQUEST, "The client went away.") from error


def _too_large(max_bytes: int) -> ProblemError:
    return ProblemError(
        BODY_TOO_LARGE, f"The body may have {max_bytes:,} bytes at most; send less."
    )


def _in_words(fault: Any, model: type[BaseModel]) -> str:
    """Says what is wrong with a value, without a name or value that was sent."""
    place = fault["loc"]
    if not place or place[0] not in model.model_fields:
        return "a field is not known" if place else "it must be an object"
    return f"{'.'.join(str(part) for part in place)}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
