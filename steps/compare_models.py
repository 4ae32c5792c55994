"""Compares the challenger with the champion."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from serving.models.store import bundle_folder
from steps.caching import by_content, code_of
from vision.bundles.build import Bundle
from vision.bundles.load import ServingModel
from vision.comparison import compare
from vision.comparison.comparison import Comparison
from vision.comparison.contest import Contest
from vision.comparison.cost import measure_costs
from vision.config import EvaluationConfig
from vision.config.deployment import CompareConfig
from vision.datasets.table import AnnotationTable
from vision.progress import say

code = code_of(__name__)


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.comparison.ComparisonMaterializer",
)
def compare_models(
    table: AnnotationTable,
    challenger: Bundle,
    evaluation: EvaluationConfig,
    rules: CompareConfig,
    champion: str | None = None,
) -> Annotated[Comparison, "comparison"]:
    """Scores both on the same images, measures both graphs here, and judges; changes nothing.

    Args:
      table: the images.
      challenger: the new version.
      evaluation: gives the split.
      rules: when a challenger replaces the champion.
      champion: ``name:version`` of the champion in the BentoML model store; None without one.

    Raises:
      BundleError: the champion is not in the store.
      DatasetError: the split has no image.
      ModelError: the models and the dataset share fewer than two classes.
    """
    in_use = ServingModel.load(bundle_folder(champion)) if champion else None
    contest = Contest(ServingModel.load(challenger.folder), in_use, table, evaluation.split)
    found = compare.compare_models(contest, rules, measure_costs)
    for reason in found.reasons:
        say(f"{reason.rule}: {reason.sentence}")
    return found
