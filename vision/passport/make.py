"""Makes a passport from its sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vision.bundles.manifest import Manifest
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import RollOut
from vision.comparison.comparison import Comparison
from vision.comparison.decision import Decision
from vision.packages import BentoTest, BuiltBento, ImageResult
from vision.passport.packed import approvals_section, bento_section, image_section
from vision.passport.passport import Passport
from vision.passport.scores import evaluation_section, stored_metrics
from vision.passport.sections import (
    code_section,
    comparison_section,
    data_section,
    lock_section,
    model_section,
    power_section,
    sbom_section,
    training_code,
    validation_section,
)
from vision.passport.shipped_parts import LicencesPart
from vision.provenance import CodeVersion
from vision.validation.report import ValidationReport

if TYPE_CHECKING:
    from vision.datasets.table import AnnotationTable
    from vision.evaluation import EvaluationReport


@dataclass(frozen=True, eq=False)
class PassportSources:
    """What a passport is made from; None where a source is not there.

    Attributes:
      bundle: folder of the bundle.
      manifest: its manifest.
      created_at: now, UTC.
      code: the code at work.
      training_patch: what the code that trained the model had changed, as the tracking run says.
      no_training_patch: a sentence that says why that is not known.
      table: the annotation table; its images are counted where the model was trained on it.
      validation: the data validator's report of the training.
      evaluation: the report of the training.
      comparison: with the champion.
      lock: the requirements file that the bento was built with.
      sbom: a CycloneDX document in JSON.
      decision: of the gate.
    """

    bundle: Path
    manifest: Manifest
    created_at: datetime
    code: CodeVersion
    training_patch: str | None = None
    no_training_patch: str | None = None
    table: AnnotationTable | None = None
    validation: ValidationReport | None = None
    evaluation: EvaluationReport | None = None
    comparison: Comparison | None = None
    lock: Path | None = None
    bento: BuiltBento | None = None
    bento_test: BentoTest | None = None
    image: ImageResult | None = None
    sbom: bytes | None = None
    licences: LicencesPart | None = None
    decision: Decision | None = None
    promotion: Promoted | None = None
    rollout: RollOut | None = None


def make_passport(sources: PassportSources) -> Passport:
    """Puts the sections together.

    Raises:
      BundleError: the bundle's power table is damaged.
      VisionError: the lock or the SBOM cannot be read.
    """
    manifest, lineage = sources.manifest, sources.manifest.lineage
    validation, evaluation, compared = sources.validation, sources.evaluation, sources.comparison
    bento, image = sources.bento, sources.image
    return Passport(
        name=manifest.name,
        version=manifest.version,
        created_at=sources.created_at,
        model=model_section(sources.bundle, manifest),
        trained_with=training_code(lineage, sources.training_patch, sources.no_training_patch),
        packed_with=code_section(sources.code),
        data=data_section(lineage, sources.table),
        lock=None if sources.lock is None else lock_section(sources.lock),
        validation=None if validation is None else validation_section(validation),
        evaluation=(
            stored_metrics(manifest.metrics)
            if evaluation is None
            else evaluation_section(evaluation)
        ),
        comparison=None if compared is None else comparison_section(compared),
        power=power_section(sources.bundle, manifest),
        parity=manifest.parity,
        bento=None if bento is None else bento_section(bento, sources.bento_test),
        image=None if image is None else image_section(image),
        sbom=None if sources.sbom is None else sbom_section(sources.sbom),
        licences=sources.licences,
        approvals=None if sources.decision is None else approvals_section(sources.decision),
        promotion=sources.promotion,
        rollout=sources.rollout,
    )
