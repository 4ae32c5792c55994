"""The passport itself, as JSON.

It is made once, when a version is deployed, from what the pipelines measured; nothing in it is
computed again, guessed or filled in. What nobody measured is None, and shown as "not known".
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from vision.bundles.manifest import Id, Parity
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import RollOut
from vision.comparison.comparison import Comparison
from vision.drift.power_table import PowerTable
from vision.passport.parts import (
    CodePart,
    DataPart,
    EvaluationPart,
    ModelPart,
    Part,
    ValidationPart,
)
from vision.passport.shipped_parts import (
    ApprovalPart,
    BentoPart,
    ImagePart,
    LicencesPart,
    LockPart,
    SbomPart,
)


class Passport(Part):
    """Everything that is known about a deployed model version.

    Attributes:
      name: the model's name.
      version: of its bundle.
      created_at: when the passport was made, UTC.
      model: what the bundle's manifest says.
      trained_with: the code that trained the model.
      packed_with: the code that made the bento and this passport; it is what is served.
      data: that the model was trained on.
      lock: the packages of the service.
      validation: of the data.
      evaluation: metrics with intervals, classes and gates.
      comparison: with the champion of then.
      power: what its drift check sees, and what changes do to its answers.
      parity: of the serving graph with the trained model.
      bento: what is served.
      image: the same as an OCI image.
      sbom: what is installed in it.
      licences: what the licence gate said.
      approvals: empty where nobody had to be asked.
      promotion: how it became champion.
      rollout: how it reached the service.
    """

    schema_version: Literal[1] = 1
    name: Id
    version: Id
    created_at: AwareDatetime
    model: ModelPart
    trained_with: CodePart
    packed_with: CodePart
    data: DataPart
    lock: LockPart | None = None
    validation: ValidationPart | None = None
    evaluation: EvaluationPart
    comparison: Comparison | None = None
    power: PowerTable | None = None
    parity: Parity
    bento: BentoPart | None = None
    image: ImagePart | None = None
    sbom: SbomPart | None = None
    licences: LicencesPart | None = None
    approvals: tuple[ApprovalPart, ...] | None = None
    promotion: Promoted | None = None
    rollout: RollOut | None = None

    @property
    def packages(self) -> dict[str, str] | None:
        """Versions by package, of the SBOM, else of the image, else of the lock; else None."""
        if self.sbom is not None:
            return {each.name: each.version or "" for each in self.sbom.components}
        if self.image is not None and self.image.packages:
            return self.image.packages
        return None if self.lock is None else self.lock.packages
