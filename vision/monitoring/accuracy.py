"""Live accuracy from feedback, and whether it is below what the evaluation promised.

Feedback is rarely a random sample: people write where a model is wrong, and a system that gives
true labels back may cover one kind of image alone. The interval allows for chance and for nothing
else; only labels of randomly chosen images make it one of all predictions.
"""

from __future__ import annotations

from itertools import islice

from vision.monitoring.intervals import share_of, wilson
from vision.monitoring.outcomes import Outcomes
from vision.monitoring.report_parts import AccuracyReport, ShareReport

# One false alarm in a thousand runs, on one side: the detectors are as rare.
_Z_LOW = 3.090232306167813
_LEAST_LABELS = 30
_MOST_NAMES = 10
MARGIN = 0.02


def measure_accuracy(
    outcomes: Outcomes, expected: float | None, margin: float | None = MARGIN
) -> AccuracyReport:
    """Compares what people said with what the evaluation promised.

    A true label that is no class of the model counts as wrong, since the model cannot be right.

    Args:
      outcomes: what people said.
      expected: accuracy of the evaluation; None where it is not known.
      margin: how far below it the live accuracy has to be, beyond chance: the evaluation is a
        sample too. Low is: the upper limit of its one-sided 99.9 % interval is below
        ``expected - margin``, from at least 30 labels. None never calls it low.
    """
    n, n_right = outcomes.n_labelled, outcomes.n_right
    is_low = (
        expected is not None
        and margin is not None
        and n >= _LEAST_LABELS
        and wilson(n_right, n, _Z_LOW)[1] < expected - margin
    )
    return AccuracyReport(
        live=share_of(n_right, n),
        n_unknown=outcomes.n_unknown,
        n_several=outcomes.n_several,
        unknown=dict(islice(outcomes.unknown.items(), _MOST_NAMES)),
        expected=expected,
        is_low=is_low,
    )


def recalls(outcomes: Outcomes) -> tuple[ShareReport, ...]:
    """Returns, for each class, the share of its labelled images that were recognised."""
    rights = outcomes.confusion.diagonal().tolist()
    totals = outcomes.confusion.sum(axis=1).tolist()
    return tuple(share_of(right, total) for right, total in zip(rights, totals, strict=True))
