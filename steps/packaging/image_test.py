"""Starts an image as a cautious administrator would, and asks it what its bundle knows.

The container runs as the image's own user, on a root file system that cannot be written, without
any capability, with limits for processes and memory, and with nothing but two temporary folders.
What the machine's runtime cannot limit is said in ``not_checked`` and is no failure.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from steps.packaging.bento_inputs import drift_backend
from steps.packaging.builder import choose_runner
from steps.packaging.contents import find_forbidden, list_packages
from steps.packaging.image import BuiltImage
from steps.packaging.oci_archive import read_archive
from steps.packaging.probing import (
    answer_problems,
    ask_bad_images,
    ask_golden_images,
    wait_until_ready,
)
from steps.packaging.running import Confinement, running_image
from vision.bundles.manifest import read_manifest

_MB = 1_000_000
MAX_MB = {"scipy": 800, "alibi": 1300}
READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 30.0


@dataclass(frozen=True)
class ImageTest:
    """What was found.

    Attributes:
      tag: the image.
      n_bytes: of its layers, unpacked.
      n_packages: Python distributions in it.
      cold_start_s: from the start of the container to the first 200 of ``/readyz``.
      memory_bytes: of the container after the questions; None where the runtime does not say.
      n_golden: golden images that were asked.
      golden_difference: largest difference to a stored probability.
      bad_images: the status of the answer to each bad image.
      confinement: as the kernel shows it.
      stop_s: from SIGTERM to the end.
      exit_code: of the container.
      forbidden: paths in the image that must not be there.
      not_checked: what this machine's runtime does not say or cannot limit.
      problems: what is wrong; empty where all is well.
    """

    tag: str
    n_bytes: int
    n_packages: int
    cold_start_s: float
    memory_bytes: int | None
    n_golden: int
    golden_difference: float
    bad_images: dict[str, int]
    confinement: Confinement
    stop_s: float
    exit_code: int
    forbidden: tuple[str, ...]
    not_checked: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_json(self) -> dict[str, object]:
        """Returns it with plain types, for reports."""
        return asdict(self)


def test_image(built: BuiltImage, bundle: Path) -> ImageTest:
    """Starts the image, asks golden and bad images, looks at how it is confined, and stops it.

    Args:
      built: the image.
      bundle: the bundle it was built with; its golden images are asked.

    Raises:
      PackagingError: it cannot be started, or does not get ready; the message ends with its log.
      BundleError: the bundle cannot be read.
    """
    saved = read_archive(built.archive)
    packages = list_packages(saved.files)
    # What the bundle asks for, and not what is there: that may be what should not be.
    backend = drift_backend(bundle, read_manifest(bundle))
    forbidden = find_forbidden(saved.files, alibi=backend == "alibi")
    tool = choose_runner(built.builder)
    with running_image(tool, built.tag) as image:
        cold_start_s = wait_until_ready(image, READY_WITHIN_S)
        n_golden, difference, tolerance = ask_golden_images(image, bundle)
        bad_images = ask_bad_images(image)
        memory_bytes = image.memory_bytes()
        confinement = image.confinement()
        started = time.monotonic()
        exit_code = image.stop(STOPS_WITHIN_S)
        stop_s = time.monotonic() - started
    problems = [
        *_size_problems(saved.n_bytes, backend),
        *(f"{path} must not be in the image" for path in forbidden),
        *answer_problems(difference, tolerance, bad_images),
        *confinement.problems(),
        *_stop_problems(exit_code, stop_s),
    ]
    return ImageTest(
        tag=built.tag,
        n_bytes=saved.n_bytes,
        n_packages=len(packages),
        cold_start_s=cold_start_s,
        memory_bytes=memory_bytes,
        n_golden=n_golden,
        golden_difference=difference,
        bad_images=bad_images,
        confinement=confinement,
        stop_s=stop_s,
        exit_code=exit_code,
        forbidden=forbidden,
        not_checked=confinement.not_checked(),
        problems=tuple(problems),
    )


# pytest would take it for a test wherever it is imported.
test_image.__test__ = False  # type: ignore[attr-defined]


def _size_problems(n_bytes: int, backend: str) -> list[str]:
    limit = MAX_MB[backend]
    if n_bytes <= limit * _MB:
        return []
    return [f"the image has {n_bytes / _MB:.0f} MB; with {backend} it may have {limit}"]


def _stop_problems(exit_code: int, stop_s: float) -> list[str]:
    problems = []
    if exit_code:
        problems.append(f"after SIGTERM the container ended with {exit_code}, not 0")
    if stop_s > STOPS_WITHIN_S:
        problems.append(f"after SIGTERM the container took {stop_s:.0f} s to end")
    return problems
