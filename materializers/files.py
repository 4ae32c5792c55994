"""The files of an artifact, read and written through its artifact store."""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from zenml.materializers.base_materializer import BaseMaterializer


class FileMaterializer(BaseMaterializer):
    """Keeps an artifact as named files below its URI, local or remote."""

    SKIP_REGISTRATION: ClassVar[bool] = True

    def uri_of(self, name: str) -> str:
        """Returns the URI of the artifact's file ``name`` (forward slashes)."""
        return posixpath.join(self.uri, name)

    def write(self, name: str, content: bytes) -> str:
        """Writes one file and returns its URI."""
        uri = self.uri_of(name)
        self.artifact_store.makedirs(posixpath.dirname(uri))
        with self.artifact_store.open(uri, "wb") as file:
            file.write(content)
        return uri

    def read(self, name: str) -> bytes:
        """Returns the content of one file."""
        with self.artifact_store.open(self.uri_of(name), "rb") as file:
            content = file.read()
        return content if isinstance(content, bytes) else content.encode()

    @contextmanager
    def as_local_file(self, name: str) -> Iterator[Path]:
        """Gives a local copy of one file to code that only reads from disk."""
        with local_folder() as folder:
            path = folder / posixpath.basename(name)
            path.write_bytes(self.read(name))
            yield path


@contextmanager
def local_folder() -> Iterator[Path]:
    """Gives a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="visionstack-") as folder:
        yield Path(folder)


def content_hash(*parts: bytes | str) -> str:
    """Returns one sha256 over all parts, each with its length, so that none can run together."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(str(len(content)).encode() + b":" + content)
    return digest.hexdigest()
