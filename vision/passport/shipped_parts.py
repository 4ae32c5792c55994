"""The sections of a passport about what is shipped with the model, and how it was.

As in :mod:`vision.passport.parts` None stands for what is not known.
"""

from __future__ import annotations

from pydantic import AwareDatetime

from vision.passport.parts import Part


class LockPart(Part):
    """The locked packages of the service.

    Attributes:
      name: of the file.
      sha256: of the file.
      packages: version of each package that it pins.
    """

    name: str
    sha256: str
    packages: dict[str, str]


class BentoPart(Part):
    """The bento, and what its test measured.

    Attributes:
      differs: what two builds of the same inputs do not share.
      passed: whether its test found nothing wrong.
      problems: what it found.
      n_packages: Python distributions that it was tested with.
      cold_start_s: from the start to the first 200 of ``/readyz``.
      golden_difference: largest difference of a probability to the stored one.
    """

    tag: str
    digest: str
    n_bytes: int
    backend: str
    differs: tuple[str, ...]
    passed: bool | None = None
    problems: tuple[str, ...] | None = None
    n_packages: int | None = None
    cold_start_s: float | None = None
    memory_bytes: int | None = None
    golden_difference: float | None = None


class ImagePart(Part):
    """The OCI image, and what its test measured.

    Attributes:
      sentence: what was done, or why there is no image.
      tag: None where none was built.
      n_bytes: of its layers, unpacked.
      packages: version of each Python distribution in it.
      pushed_to: its name in the registry; None where it was not pushed.
      passed: whether its test found nothing wrong.
      problems: what it found.
      not_checked: what the machine's runtime could not show.
    """

    sentence: str
    tag: str | None = None
    digest: str | None = None
    n_bytes: int | None = None
    builder: str | None = None
    packages: dict[str, str] | None = None
    pushed_to: str | None = None
    passed: bool | None = None
    problems: tuple[str, ...] | None = None
    not_checked: tuple[str, ...] | None = None
    cold_start_s: float | None = None
    memory_bytes: int | None = None
    golden_difference: float | None = None


class ComponentPart(Part):
    """A component of the SBOM; ``licences`` is empty where it names none."""

    name: str
    version: str | None
    licences: tuple[str, ...]


class SbomPart(Part):
    """The list of everything that is installed.

    Attributes:
      sha256: of the file.
      format: for example ``CycloneDX 1.5``.
    """

    sha256: str
    format: str
    components: tuple[ComponentPart, ...]


class LicencesPart(Part):
    """What the licence gate said.

    Attributes:
      refused: licence of each package that may not be there.
      reported: what was asked for and has to be known, in sentences.
      unknown: packages that declare no licence, or none that is known.
    """

    passed: bool
    refused: dict[str, str]
    reported: tuple[str, ...]
    unknown: tuple[str, ...]


class ApprovalPart(Part):
    """What somebody decided about this version."""

    is_approved: bool
    by: str
    at: AwareDatetime | None
