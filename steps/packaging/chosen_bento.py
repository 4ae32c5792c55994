"""The bento that ``make image`` packs: one that is named, else one of the code as it is.

Which packages an image may have is decided by the drift detectors of its bundle: with scipy's there
is no alibi-detect, whoever names the bento or its packages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from steps.packaging.bento import build_bento, content_digest
from steps.packaging.bento_inputs import drift_backend
from steps.packaging.bento_now import build_bento_now
from steps.packaging.containers import PackagingError
from steps.packaging.image import BENTO_DIGEST_LABEL, REQUIREMENTS, check_bento
from steps.packaging.licences import LicenceReport, judge_licences
from steps.packaging.packages import described_packages
from vision.bundles.manifest import read_manifest


@dataclass(frozen=True)
class ChosenBento:
    """What goes into an image beside the bundle.

    Attributes:
      folder: of the built bento.
      digest: of its contents.
      labels: what the image says about it.
      licences: of its packages; nothing is refused.
    """

    folder: Path
    digest: str
    labels: dict[str, str]
    licences: LicenceReport


def choose_bento(bundle: Path, bento: Path | None = None, requirements: str = "") -> ChosenBento:
    """Takes a bento, or builds one, and judges the licences of its packages.

    Args:
      bundle: its drift detectors decide which packages a bento has that is built now.
      bento: a built one; None to build it.
      requirements: the file of its packages in place of the usual one, relative to the repository.

    Raises:
      BundleError: the bundle is not what its manifest says.
      PackagingError: there is no bento, or one of its packages has a licence that may not be there.
    """
    backend = drift_backend(bundle, read_manifest(bundle))
    if bento is not None:
        folder = bento
    elif requirements:
        folder = build_bento_now(requirements)
    else:
        folder = build_bento(bundle).folder
    check_bento(folder)
    licences = _judge(folder / REQUIREMENTS, backend)
    digest = content_digest(folder)
    return ChosenBento(folder, digest, _labels(folder, digest), licences)


def _judge(lock: Path, backend: str) -> LicenceReport:
    """Judges a lock by what this environment, which has the same packages, says of them."""
    judged = judge_licences(described_packages(lock), alibi=backend == "alibi")
    if not judged.passed:
        raise PackagingError(
            f"{judged.sentence}\nnothing was built; the packages are those of {lock}, and the "
            f"bundle has drift.backend: {backend}"
        )
    return judged


def _labels(folder: Path, digest: str) -> dict[str, str]:
    """Returns what the bento says about itself; what it does not say is left out."""
    found = {BENTO_DIGEST_LABEL: digest}
    try:
        said = yaml.safe_load((folder / "bento.yaml").read_bytes())
    except yaml.YAMLError:
        return found
    if not isinstance(said, dict):
        return found
    if "name" in said and "version" in said:
        found["visionstack.bento"] = f"{said['name']}:{said['version']}"
    labels = said.get("labels")
    if isinstance(labels, dict) and labels.get("commit"):
        found["visionstack.service.commit"] = str(labels["commit"])
    return found
