"""Reads the one image of a form, within limits, and nothing else.

Only bytes that are in the request are taken: text in a file field is refused, where BentoML's own
file inputs would fetch it as a URL. The body is counted while it comes in, so no more than the
limit is ever held.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from serving.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    NOT_MULTIPART,
    TIMED_OUT,
    ProblemError,
)
from vision.images.decode import DEFAULT_LIMITS
from vision.images.types import ImageLimits

FIELD = "image"

# It warns about each broken form, with bytes of it; the client is told, and the log is not for it
# to fill.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

# Boundaries and part headers around the image; far above what any client sends.
_OVERHEAD_BYTES = 16 * 1024


@dataclass(frozen=True)
class UploadLimits:
    """What a request may bring.

    Attributes:
      image: the largest image that is decoded.
      body_s: seconds within which the whole body must have come in.
    """

    image: ImageLimits = DEFAULT_LIMITS
    body_s: float = 30.0

    @property
    def max_body_bytes(self) -> int:
        """Bytes of the largest request body."""
        return self.image.max_bytes + _OVERHEAD_BYTES


class _MemoryParser(MultiPartParser):
    """Keeps parts in memory; Starlette's would write those above 1 MiB to the disk."""

    spool_max_size = 1 << 62


async def read_image(request: Request, limits: UploadLimits) -> bytes:
    """Returns the bytes of the file in the field ``image``.

    Raises:
      ProblemError: 400 no form, no such file, or more than one; 408 too slow; 413 too large; 415
        another content type.
    """
    _check_headers(request, limits)
    parser = _MemoryParser(
        request.headers, _counted(request, limits), max_files=1, max_fields=1, max_part_size=1024
    )
    try:
        async with asyncio.timeout(limits.body_s):
            form = await parser.parse()
    except TimeoutError as error:
        detail = f"The body did not come in within {limits.body_s:g} s; send it again."
        raise ProblemError(TIMED_OUT, detail) from error
    except MultiPartException as error:
        detail = f"{error.message} Send one file in the field '{FIELD}' and nothing else."
        raise ProblemError(BAD_REQUEST, detail) from error
    except ClientDisconnect as error:
        raise ProblemError(BAD_REQUEST, "The client went away.") from error
    return await _only_file(form)


def _check_headers(request: Request, limits: UploadLimits) -> None:
    """Refuses what the headers alone condemn, before any of the body is read."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.max_body_bytes:
        raise _too_large(limits)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "multipart/form-data":
        raise ProblemError(
            NOT_MULTIPART,
            "The body must be multipart/form-data with one file in the field "
            f"'{FIELD}', as `curl -F {FIELD}=@one.png` sends it.",
        )


async def _counted(request: Request, limits: UploadLimits) -> AsyncGenerator[bytes, None]:
    n_bytes = 0
    async for chunk in request.stream():
        n_bytes += len(chunk)
        if n_bytes > limits.max_body_bytes:
            raise _too_large(limits)
        yield chunk


def _too_large(limits: UploadLimits) -> ProblemError:
    detail = f"The body may have {limits.max_body_bytes:,} bytes at most; send a smaller image."
    return ProblemError(BODY_TOO_LARGE, detail)


async def _only_file(form: FormData) -> bytes:
    fields = form.multi_items()
    if len(fields) != 1 or fields[0][0] != FIELD:
        raise ProblemError(
            BAD_REQUEST,
            f"The form has {len(fields)} fields; it must have one file in the field '{FIELD}' "
            "and nothing else.",
        )
    value = fields[0][1]
    if not isinstance(value, UploadFile):
        raise ProblemError(
            BAD_REQUEST,
            f"The field '{FIELD}' holds text; it must hold the bytes of a file, with a file name, "
            f"as `curl -F {FIELD}=@one.png` sends it. URLs are not fetched.",
        )
    return await value.read()
