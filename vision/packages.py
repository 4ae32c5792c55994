"""What a model version is packed into, and what trying the package has shown.

A bento holds the code of the service and the list of its packages; the bundle lies beside it. Sizes
are bytes, times seconds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class _Package(BaseModel):
    """A frozen, closed record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BuiltBento(_Package):
    """A bento in BentoML's store.

    Attributes:
      tag: ``visionstack:VERSION``; the version is a digest of everything that it was built from.
      folder: where it lies, on the machine that built it.
      digest: sha256 over its files, without the fields in ``differs``.
      n_bytes: of its files.
      backend: ``drift.backend`` of the bundle that it was built for.
      requirements: the locked packages, relative to the repository.
      labels: what it says about code, model and data.
      differs: what two builds of the same inputs do not share.
    """

    tag: str
    folder: Path
    digest: str
    n_bytes: int
    backend: str
    requirements: str
    labels: dict[str, str]
    differs: tuple[str, ...]


class BentoTest(_Package):
    """What a bento does in an environment that has only its own packages.

    Attributes:
      tag: the bento.
      model: ``name:version`` of the bundle it answered with.
      n_packages: Python distributions in the environment.
      cold_start_s: from the start of its process to the first 200 of ``/readyz``; None where that
        never came, and so on below.
      memory_bytes: of all its processes after the questions, shared pages counted once.
      n_golden: golden images that were asked.
      golden_difference: largest difference to a stored probability.
      bad_images: the status of the answer to each bad image.
      n_series: lines with a value in ``/metrics``.
      stop_s: from SIGTERM to the end.
      exit_code: of the server.
      problems: what is wrong; empty where all is well.
      output: the end of what the server said, where something is wrong.
    """

    tag: str
    model: str
    n_packages: int
    cold_start_s: float | None = None
    memory_bytes: int | None = None
    n_golden: int = 0
    golden_difference: float | None = None
    bad_images: dict[str, int] = {}
    n_series: int = 0
    stop_s: float | None = None
    exit_code: int | None = None
    problems: tuple[str, ...] = ()
    output: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def message(self) -> str:
        """The problems, and the end of what the server said."""
        said = f"\nit said at the end:\n{self.output}" if self.output else ""
        return "; ".join(self.problems) + said


class ImageResult(_Package):
    """The OCI image, or why there is none.

    Attributes:
      sentence: what was done.
      tag: its name in the builder's store; None where none was built.
      digest: ``sha256:...`` of its manifest in the archive.
      n_bytes: of its layers, unpacked.
      builder: docker, podman or buildah.
      archive: the OCI archive.
      labels: what it says about itself.
      base_digest: ``sha256:...`` of the image that it stands on, in its registry; None where that
        is not known.
      packages: version of every Python distribution in it.
      pushed_to: its name in the registry; None where it was not pushed.
      test: what :mod:`steps.packaging.image_test` has found.
    """

    sentence: str
    tag: str | None = None
    digest: str | None = None
    n_bytes: int | None = None
    builder: str | None = None
    archive: Path | None = None
    labels: dict[str, str] = {}
    base_digest: str | None = None
    packages: dict[str, str] = {}
    pushed_to: str | None = None
    test: dict[str, Any] | None = None
