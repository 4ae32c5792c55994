"""Compares the challenger with the champion."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from serving.models.store import bundle_folder
from steps.promotion.history import read_history
from vision.bundles.build import Bundle
from vision.bundles.champion import FOLDER, read_champion
from vision.bundles.load import ServingModel
from vision.comparison import compare
from vision.comparison.comparison import Comparison
from vision.comparison.contest import Contest, LostChampion
from vision.comparison.cost import measure_costs
from vision.config import EvaluationConfig
from vision.config.deployment import CompareConfig
from vision.datasets.table import AnnotationTable
from vision.errors import BundleError
from vision.home import home
from vision.progress import say


# Never from the cache: another version may be champion by now, and times and memory are those of
# this machine as it is now.
@step(enable_cache=False, output_materializers="materializers.comparison.ComparisonMaterializer")
def compare_models(
    table: AnnotationTable,
    challenger: Bundle,
    evaluation: EvaluationConfig,
    rules: CompareConfig,
) -> Annotated[Comparison, "comparison"]:
    """Scores both on the same images, measures both graphs here, and judges; changes nothing.

    Args:
      table: the images.
      challenger: the new version.
      evaluation: gives the split.
      rules: when a challenger replaces the champion.

    Raises:
      BundleError: the challenger is damaged.
      DatasetError: the split has no image.
      ModelError: the models and the dataset share fewer than two classes.
    """
    champion, lost = find_champion(challenger.manifest.name)
    model = ServingModel.load(challenger.folder)
    contest = Contest(model, champion, table, evaluation.split, lost)
    found = compare.compare_models(contest, rules, measure_costs)
    for reason in found.reasons:
        say(f"{reason.rule}: {reason.sentence}")
    return found


def find_champion(name: str) -> tuple[ServingModel | None, LostChampion | None]:
    """Opens the champion of a model as it is now.

    Returns:
      the champion, or why it cannot be compared with; neither for a model that never had one.
    """
    path = home() / FOLDER / f"{name}.json"
    try:
        champion = read_champion(name)
    except BundleError:
        return None, LostChampion(None, f"the champion pointer {path} is damaged; restore the file")
    if champion is None:
        if read_history(name).number == 0:
            return None, None
        why = f"{name} has had champions, and their pointer {path} is not there; restore the file"
        return None, LostChampion(None, why)
    version = champion.version
    try:
        folder = bundle_folder(champion.bento_model)
    except BundleError:
        why = f"the champion {version} is not in the model store; restore it"
        return None, LostChampion(version, why)
    try:
        return ServingModel.load(folder), None
    except BundleError as error:
        why = f"the champion {version} is damaged ({error}); restore it"
        return None, LostChampion(version, why)
