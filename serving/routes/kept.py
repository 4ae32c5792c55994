"""Images that the prediction log has kept, read for whoever may see them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from starlette.responses import Response

from vision.errors import ImageError
from vision.images.header import read_header

# The log's own names, and nothing else: a day and a file in it.
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}/[A-Za-z0-9_-]{1,80}\.[a-z]{3,5}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}


def read_kept(folder: Path, name: str | None) -> Response | None:
    """Returns the response with a kept image; None where it is not, or no longer, there.

    Args:
      folder: of all images kept.
      name: what the log says, such as ``2026-01-31/0f8fad5b.jpg``.
    """
    if name is None or not _NAME.fullmatch(name):
        return None
    try:
        # A link is none of the log's files.
        handle = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            data = file.read()
        media_type = f"image/{read_header(data).format}"
    except (OSError, ImageError):
        return None
    return Response(data, media_type=media_type, headers=_HEADERS)
