"""What a bento is built from: files of the repository, a list of packages, and labels."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from steps.packaging.containers import PackagingError
from vision.bundles.manifest import Manifest
from vision.drift.detector_file import DETECTORS_FILE, read_detectors
from vision.home import repository
from vision.provenance import CodeVersion

BENTOFILE = "bentofile.yaml"
REQUIREMENTS = {
    "alibi": "requirements/service-alibi.txt",
    "scipy": "requirements/service.txt",
}
_VERSION_LENGTH = 16


@dataclass(frozen=True)
class BentoInputs:
    """Everything that decides what a bento holds.

    Attributes:
      root: the repository.
      described: the contents of bentofile.yaml, with labels and packages put in.
      files: paths that the bento holds, relative to ``root`` and sorted.
      version: a digest of all this, and of the tools that build.
    """

    root: Path
    described: Mapping[str, Any]
    files: tuple[str, ...]
    version: str

    @property
    def requirements(self) -> str:
        """The file of the packages, relative to the repository."""
        return str(self.described["python"]["requirements_txt"])


def read_inputs(
    requirements: str, labels: Mapping[str, str], root: Path | None = None
) -> BentoInputs:
    """Reads bentofile.yaml and what it names; nothing is written.

    Args:
      requirements: the file of the packages, relative to the repository.
      labels: added to those of bentofile.yaml.
      root: the repository; the project's own by default.

    Raises:
      PackagingError: a file is missing.
    """
    from bentoml import __version__ as bentoml_version

    folder = root or repository()
    try:
        described = yaml.safe_load((folder / BENTOFILE).read_text(encoding="utf-8"))
        described["labels"] = {**described.get("labels", {}), **labels}
        described["python"]["requirements_txt"] = requirements
        files = _find(folder, described["include"])
        digest = hashlib.sha256()
        # The bento takes bentofile.yaml as it is; what it says now counts, too.
        for name in (*files, requirements):
            content = (folder / name).read_bytes()
            digest.update(f"{name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    except OSError as error:
        raise _missing(error) from error
    said = [described, bentoml_version, platform.python_version(), platform.machine()]
    digest.update(json.dumps(said, sort_keys=True).encode())
    return BentoInputs(folder, described, files, digest.hexdigest()[:_VERSION_LENGTH])


def copy_inputs(inputs: BentoInputs, folder: Path) -> BentoInputs:
    """Copies what a bento is built from, so that nobody changes it meanwhile.

    Args:
      inputs: the originals.
      folder: a new one.

    Returns:
      The copies; their version is another one if an original has changed since.
    """
    try:
        for name in (*inputs.files, inputs.requirements, BENTOFILE):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(inputs.root / name, folder / name)
    except OSError as error:
        raise _missing(error) from error
    return read_inputs(inputs.requirements, inputs.described["labels"], folder)


def drift_backend(bundle: Path, manifest: Manifest) -> str:
    """Returns the backend that the detectors of a bundle ask for; ``scipy`` if it has none.

    Raises:
      BundleError: its detectors cannot be read.
    """
    if DETECTORS_FILE not in manifest.files:
        return "scipy"
    return read_detectors(bundle).backend


def bento_labels(manifest: Manifest, code: CodeVersion) -> dict[str, str]:
    """Returns what a bento says about itself; what is not known is left out.

    ``commit`` is that of the code in the bento, ``training_commit`` that of the code which made the
    model.
    """
    lineage = manifest.lineage
    said = {
        "commit": code.commit,
        "commit_is_dirty": _yes_or_no(code.is_dirty),
        "model": manifest.name,
        "model_version": manifest.version,
        "training_commit": lineage.git_commit,
        "data_revision": lineage.dataset_revision,
        "data_digest": lineage.data_digest,
        "tracking_run": lineage.tracking_run,
        "pipeline_run": lineage.pipeline_run,
        **{
            f"metric_{name}": f"{value:.6g}"
            for name, value in manifest.metrics.items()
            if value is not None
        },
    }
    return {name: value for name, value in said.items() if value}


def _missing(error: OSError) -> PackagingError:
    return PackagingError(
        f"the bento needs {error.filename}, which cannot be read ({error.strerror}); "
        "take it from the repository again"
    )


def _find(root: Path, patterns: list[str]) -> tuple[str, ...]:
    """Returns the files that the patterns of bentofile.yaml name, each anchored by a slash."""
    found = {
        path.relative_to(root).as_posix()
        for pattern in patterns
        for path in root.glob(pattern.removeprefix("/"))
        if path.is_file()
    }
    return tuple(sorted(found))


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else ("yes" if value else "no")
