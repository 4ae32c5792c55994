"""Turns what the pipelines made into the sections of a passport, one function per source."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision.bundles.manifest import GRAPH_FILE, MANIFEST_FILE, Lineage, Manifest
from vision.comparison.comparison import Comparison
from vision.drift.power_table import POWER_FILE, PowerTable, read_power
from vision.errors import VisionError
from vision.passport.parts import CodePart, DataPart, ModelPart, ValidationPart
from vision.passport.patch import changed_files, cut_patch
from vision.passport.shipped_parts import ComponentPart, LockPart, SbomPart
from vision.provenance import CodeVersion
from vision.validation.report import Gate, ValidationReport

if TYPE_CHECKING:
    from vision.datasets.table import AnnotationTable

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")


def model_section(folder: Path, manifest: Manifest) -> ModelPart:
    """Says what the bundle in ``folder`` is."""
    sizes = {name: entry.n_bytes for name, entry in manifest.files.items()}
    lineage = manifest.lineage
    return ModelPart(
        made_at=manifest.created_at,
        architecture=manifest.architecture,
        input_size=manifest.input_size,
        task=manifest.task,
        classes=manifest.classes,
        n_parameters=manifest.n_parameters,
        manifest_sha256=_sha256((folder / MANIFEST_FILE).read_bytes()),
        bundle_bytes=sum(sizes.values()),
        graph_bytes=sizes.get(GRAPH_FILE),
        versions=manifest.versions,
        tracking_run=lineage.tracking_run,
        pipeline_run=lineage.pipeline_run,
        config_digest=lineage.config_digest,
    )


def training_code(lineage: Lineage, patch: str | None, why: str | None = None) -> CodePart:
    """Says which code trained the model.

    Args:
      lineage: gives commit and dirtiness.
      patch: as the tracking run keeps it; None where it is not known.
      why: a sentence, where it is not known.
    """
    if lineage.git_is_dirty is False:
        patch = ""
    return _code(lineage.git_commit, lineage.git_is_dirty, patch, why)


def code_section(code: CodeVersion) -> CodePart:
    """Says which code is at work; outside git its changes are not known."""
    patch = None if code.is_dirty is None else code.patch
    return _code(code.commit, code.is_dirty, patch, None)


def data_section(lineage: Lineage, table: AnnotationTable | None) -> DataPart:
    """Says which data the model was trained on.

    The images are counted where the table is the very one of the training; a table of another
    revision says nothing about it.
    """
    splits = None
    if table is not None and table.digest == lineage.data_digest:
        counts = table.frame["split"].value_counts()
        splits = {str(split): int(counts[split]) for split in sorted(counts.index)}
    return DataPart(
        source=lineage.dataset_source,
        revision=lineage.dataset_revision,
        digest=lineage.data_digest,
        splits=splits,
    )


def lock_section(path: Path) -> LockPart:
    """Says which packages a requirements file pins.

    Raises:
      VisionError: it cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise VisionError(
            f"the locked packages {path} cannot be read ({error.strerror}); compile them with "
            "make lock"
        ) from error
    lines = content.decode().splitlines()
    pinned = {found[1]: found[2] for line in lines if (found := _PINNED.match(line))}
    return LockPart(name=path.name, sha256=_sha256(content), packages=pinned)


def validation_section(report: ValidationReport) -> ValidationPart:
    """Says what the data validator found."""
    severities = [finding.severity for finding in report.findings]
    return ValidationPart(
        validator=report.validator,
        gates=known_gates(report.gates),
        n_errors=severities.count("error"),
        n_warnings=severities.count("warning"),
    )


def comparison_section(found: Comparison) -> Comparison:
    """Returns the comparison; a difference that is no number is left out, as JSON has none."""
    one = found.difference
    if one is None or all(map(math.isfinite, (one.champion, one.challenger, one.low, one.high))):
        return found
    return found.model_copy(update={"difference": None})


def power_section(folder: Path, manifest: Manifest) -> PowerTable | None:
    """Returns what the drift check sees; None where the bundle has no such table.

    Raises:
      BundleError: the table is damaged.
    """
    return read_power(folder) if POWER_FILE in manifest.files else None


def sbom_section(document: bytes) -> SbomPart:
    """Says what a CycloneDX document in JSON lists.

    Raises:
      VisionError: it is no such document.
    """
    try:
        read = json.loads(document)
        components = tuple(_component(each) for each in read["components"])
        kind = f"{read['bomFormat']} {read['specVersion']}"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VisionError(
            f"the SBOM is no CycloneDX document in JSON ({error!r}); write it again"
        ) from error
    return SbomPart(sha256=_sha256(document), format=kind, components=components)


def known_gates(gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
    """Returns the gates, with None for a value that is no number."""
    return tuple(gate.model_copy(update={"value": finite(gate.value)}) for gate in gates)


def finite(value: float | None) -> float | None:
    """Returns a number that JSON has, or None."""
    return None if value is None or not math.isfinite(value) else float(value)


def _code(
    commit: str | None, is_dirty: bool | None, patch: str | None, why: str | None
) -> CodePart:
    if patch is None:
        return CodePart(commit=commit, is_dirty=is_dirty, note=why if is_dirty else None)
    kept, note = cut_patch(patch)
    files = changed_files(patch)
    return CodePart(commit=commit, is_dirty=is_dirty, patch=kept, files=files, note=note)


def _component(each: dict[str, Any]) -> ComponentPart:
    licences = (_licence(entry) for entry in each.get("licenses", ()))
    named = tuple(dict.fromkeys(name for name in licences if name))
    return ComponentPart(name=each["name"], version=each.get("version"), licences=named)


def _licence(entry: dict[str, Any]) -> str | None:
    one = entry.get("license", {})
    found = entry.get("expression") or one.get("id") or one.get("name")
    return None if found is None else str(found)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
