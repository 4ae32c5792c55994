"""Makes the bundle: what crosses from training to serving."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from zenml import get_step_context, step

from steps.caching import by_content, code_of
from steps.select_images import WHOLE_DIGEST
from vision.bundles import build
from vision.bundles.build import Bundle, BundleSource
from vision.bundles.manifest import Lineage
from vision.config import BundleConfig, DriftConfig, ModelConfig
from vision.datasets.table import AnnotationTable
from vision.evaluation import EvaluationReport
from vision.training.fit import TrainedModel

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.bundle.BundleMaterializer",
)
def build_bundle(
    trained: TrainedModel,
    table: AnnotationTable,
    properties: pd.DataFrame,
    report: EvaluationReport,
    model: ModelConfig,
    bundle: BundleConfig,
    drift: DriftConfig,
) -> Annotated[Bundle, "bundle"]:
    """Writes model, graph, reference set, drift detectors, golden images, card and manifest.

    Raises:
      BundleError: the serving graph and Keras give different answers.
    """
    lineage = _lineage(table)
    source = BundleSource(trained.model, table, properties, report.metrics, lineage)
    return build.build_bundle(source, model, bundle, drift)


def _lineage(table: AnnotationTable) -> Lineage:
    """Joins what is known of the data with what was noted when the model was trained."""
    context = get_step_context()
    [trained] = context.inputs["trained"]
    [selected] = context.inputs["table"]
    noted = trained.run_metadata
    return Lineage(
        git_commit=str(noted["git_commit"]) or None,
        git_is_dirty=bool(noted["git_is_dirty"]) if noted["git_commit"] else None,
        data_digest=table.digest,
        whole_data_digest=_text(selected.run_metadata.get(WHOLE_DIGEST)),
        dataset_source=table.source.get("kind"),
        dataset_revision=table.source.get("revision"),
        tracking_run=str(noted["tracking_run"]) or None,
        pipeline_run=str(context.pipeline_run.id),
        config_digest=str(noted["config_digest"]),
    )


def _text(noted: object) -> str | None:
    return None if noted is None else str(noted)
