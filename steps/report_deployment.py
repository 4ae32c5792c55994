"""Writes down everything that is known about a version that was deployed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from zenml import log_metadata, step

from steps import tracking
from steps.passport_sources import Installed, find_patch, find_training, list_installed
from vision.bundles.build import Bundle
from vision.bundles.promoted import Promoted
from vision.bundles.rolled_out import RollOut
from vision.comparison.comparison import Comparison
from vision.comparison.decision import Decision
from vision.datasets.table import AnnotationTable
from vision.home import repository
from vision.packages import BentoTest, BuiltBento, ImageResult
from vision.passport.make import PassportSources, make_passport
from vision.passport.page import write_page
from vision.passport.passport import Passport
from vision.passport.store import write_passport
from vision.provenance import read_code_version


# Never from the cache: it writes files, and tells what is deployed now.
@step(
    enable_cache=False,
    output_materializers={"passport": "materializers.passport.PassportMaterializer"},
)
def report_deployment(
    bundle: Bundle,
    table: AnnotationTable,
    comparison: Comparison,
    decision: Decision,
    bento: BuiltBento,
    bento_test: BentoTest,
    image: ImageResult,
    promoted: Promoted,
    rolled_out: RollOut | None = None,
) -> tuple[Annotated[Passport, "passport"], Annotated[str, "page"]]:
    """Makes the passport: dashboard, tracking run, and files.

    Returns the passport and the path of its page.

    Args:
      bundle: the deployed version.
      table: the images; they are counted where the version was trained on them.
      comparison: with the champion of before.
      decision: of the gate.
      bento: what is served.
      bento_test: what trying it has found.
      image: the OCI image, or why there is none.
      promoted: how it became champion.
      rolled_out: how it reached the services.

    Raises:
      BundleError: the bundle's power table is damaged.
      VisionError: the locked packages cannot be read, or the passport cannot be written.
    """
    installed = list_installed(bento)
    packages = {"bento": bento, "bento_test": bento_test, "image": image}
    judged = {"comparison": comparison, "decision": decision}
    moved = {"promotion": promoted, "rollout": rolled_out}
    passport = _passport(bundle, installed, table=table, **packages, **judged, **moved)
    return passport, _publish(passport, installed.sbom)


def _passport(bundle: Bundle, installed: Installed, **found: Any) -> Passport:
    """Joins what the steps have found with what is known of bundle, training and code."""
    trained = find_training(bundle.manifest.lineage.pipeline_run)
    patch = find_patch(bundle.manifest.lineage)
    sources = PassportSources(
        bundle=bundle.folder,
        manifest=bundle.manifest,
        created_at=datetime.now(UTC),
        code=read_code_version(),
        training_patch=patch.text,
        no_training_patch=patch.why,
        validation=trained.validation,
        evaluation=trained.evaluation,
        lock=repository() / found["bento"].requirements,
        sbom=installed.sbom,
        licences=installed.licences,
        **found,
    )
    return make_passport(sources)


def _publish(passport: Passport, sbom: bytes | None) -> str:
    """Writes the passport to its files, the tracking run and the artifact; returns the page."""
    tracker = tracking.current()
    html = write_page(passport)
    path, page = write_passport(passport, html, sbom)
    tracker.log_tags({"model_version": f"{passport.name}/{passport.version}"})
    tracker.log_file("deployment/passport.json", path.read_bytes())
    tracker.log_file("deployment/passport.html", html.encode())
    log_metadata(
        metadata={"tracking_run": tracker.run_id or "", "page": str(page)},
        infer_artifact=True,
        artifact_name="passport",
    )
    return str(page)
