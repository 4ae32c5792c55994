"""Compares the challenger with the champion on the same held-out images, and judges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from vision.bundles.load import ServingModel
from vision.comparison.comparison import Comparison
from vision.comparison.contest import Answers, Contest, answer_all, find_doubts, golden_right
from vision.comparison.judge import (
    Cost,
    Reason,
    describe_mcnemar,
    join_verdicts,
    judge_cost,
    judge_golden,
    judge_metric,
    judge_slices,
)
from vision.comparison.paired import Difference, compare_metric, mcnemar
from vision.comparison.slices import compare_slices
from vision.config.deployment import CompareConfig

MeasureCosts = Callable[[Sequence[Path]], tuple[Cost, ...]]


def compare_models(
    contest: Contest, config: CompareConfig, measure_costs: MeasureCosts
) -> Comparison:
    """Scores both on the same images in the same order, and judges every rule.

    Args:
      contest: models and images.
      config: the rules.
      measure_costs: see :func:`vision.comparison.cost.measure_costs`.

    Raises:
      DatasetError: the split has no image.
      ModelError: the models and the dataset share fewer than two classes.
    """
    champion = contest.champion
    if champion is None:
        return _alone(contest, config, measure_costs)
    version = contest.challenger.manifest.version
    if champion.manifest.version == version:
        sentence = f"{version} is the champion already"
        told = _told(contest, (Reason(rule="champion", verdict="promote", sentence=sentence),))
        # Nothing to judge, but its passport tells what it costs where it is deployed now.
        return told.model_copy(update={"costs": measure_costs([contest.challenger.folder])})
    return _compared(contest, champion, config, measure_costs)


def _told(contest: Contest, reasons: tuple[Reason, ...]) -> Comparison:
    """Returns a comparison of which nothing is known but its reasons."""
    manifest, champion = contest.challenger.manifest, contest.champion
    lost = None if contest.lost is None else contest.lost.version
    return Comparison(
        name=manifest.name,
        challenger=manifest.version,
        champion=lost if champion is None else champion.manifest.version,
        verdict=join_verdicts(reasons),
        reasons=reasons,
        split=contest.split,
        data_digest=contest.table.digest,
        n_images=0,
    )


def _alone(contest: Contest, config: CompareConfig, measure_costs: MeasureCosts) -> Comparison:
    """There is nothing to compare with: the model must be sound and cheap enough.

    That is enough for a first version. Where a champion is lost, a person decides.
    """
    costs = measure_costs([contest.challenger.folder])
    reasons = [_evaluated(contest, config), judge_cost(costs[0], None, config)]
    if contest.lost is not None:
        sentence = f"{contest.lost.why}, or approve {contest.challenger.manifest.version}"
        reasons.insert(0, Reason(rule="champion", verdict="inconclusive", sentence=sentence))
    return _told(contest, tuple(reasons)).model_copy(update={"costs": costs})


def _evaluated(contest: Contest, config: CompareConfig) -> Reason:
    """Judges the metric that the challenger's own evaluation gave."""
    value = contest.challenger.manifest.metrics.get(config.metric)
    name = f"{config.metric} of the evaluation"
    if value is None:
        return Reason(rule="metric", verdict="reject", sentence=f"the {name} is not a number")
    no_champion = "there is no champion yet; " if contest.lost is None else ""
    sentence = f"{no_champion}the {name} is {value:.4f}"
    return Reason(rule="metric", verdict="promote", sentence=sentence)


def _compared(
    contest: Contest, champion: ServingModel, config: CompareConfig, measure_costs: MeasureCosts
) -> Comparison:
    answers = answer_all(contest, champion)
    difference = _difference(answers, config)
    paired = mcnemar(answers.labels, answers.champion, answers.challenger)
    slices = compare_slices(answers.labels, answers.champion, answers.challenger, answers.classes)
    costs = measure_costs([contest.challenger.folder, champion.folder])
    n_images = len(answers.labels)
    reasons = (
        judge_metric(difference, n_images, config),
        Reason(rule="mcnemar", verdict="promote", sentence=describe_mcnemar(paired)),
        judge_slices(slices, config),
        judge_golden(*golden_right(contest, champion)),
        judge_cost(costs[0], costs[1], config),
        *(
            Reason(rule="comparable", verdict="inconclusive", sentence=doubt)
            for doubt in find_doubts(contest, champion)
        ),
    )
    told = _told(contest, tuple(reason for reason in reasons if reason is not None))
    # JSON has no NaN; what it means for the verdict stands among the reasons.
    is_known = math.isfinite(difference.value)
    known = difference if is_known else None
    found = {"difference": known, "mcnemar": paired, "slices": slices, "costs": costs}
    return told.model_copy(update={"n_images": n_images, **found})


def _difference(answers: Answers, config: CompareConfig) -> Difference:
    return compare_metric(
        answers.labels,
        answers.champion,
        answers.challenger,
        len(answers.classes),
        metric=config.metric,
        confidence=config.confidence,
        n_resamples=config.n_resamples,
        seed=config.seed,
    )
