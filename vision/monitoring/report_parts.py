"""What the report of a model version is put together from.

Shares are 0 to 1, times UTC, and every interval is one of 95 %.
"""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen, closed part of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ShareReport(Part):
    """A share with its interval; None where nothing was counted."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


class DayReport(Part):
    """One day.

    Attributes:
      n: predictions.
      confidence: mean winning probability; its ``n`` is ``n``.
      abstained: share of predictions that were too unsure to count.
      accuracy: share of right ones among those with a true label.
      tests: of each view, the p-value over its threshold in the day's newest rows; below 1 is what
        the detectors call drift. Empty where there were too few rows.
    """

    day: date
    n: int
    confidence: ShareReport
    abstained: ShareReport
    accuracy: ShareReport
    tests: dict[str, float] = {}


class TrendReport(Part):
    """Whether a daily value rises or falls; see :mod:`vision.monitoring.trends`.

    Attributes:
      slope: change a day.
      p_value: of there being no trend.
      n_days: days with a prediction.
    """

    slope: float
    p_value: float
    n_days: int


class ClassReport(Part):
    """One class.

    Attributes:
      predicted: share of the predictions.
      reference: share of the reference images that are predicted so.
      recall: share of right ones among the images that people say are of this class.
    """

    name: str
    predicted: ShareReport
    reference: float
    recall: ShareReport


class ClassesReport(Part):
    """Predicted classes against the reference set.

    Attributes:
      p_value: chi-squared test of the shares; None where it was not made.
      shares: in class order.
    """

    p_value: float | None = None
    shares: tuple[ClassReport, ...] = ()


class PropertyReport(Part):
    """One image property against the reference set.

    Attributes:
      unit: for people.
      statistic: largest distance of the two cumulated distributions (Kolmogorov-Smirnov), 0 to 1.
      p_value: of it, corrected for the number of properties.
      is_moved: whether that counts; see :mod:`vision.monitoring.properties`.
      edges: of the bins, one more than there are bins.
      reference: share of the reference images in each bin.
      predictions: share of the predictions in each bin.
      finding: what the stack's data validator said about it; empty for nothing.
    """

    name: str
    unit: str
    statistic: float
    p_value: float
    is_moved: bool
    edges: tuple[float, ...]
    reference: tuple[float, ...]
    predictions: tuple[float, ...]
    finding: str = ""


class AccuracyReport(Part):
    """What feedback says; it is rarely a random sample of the predictions.

    Attributes:
      live: share of right ones among the predictions with one true label.
      n_unknown: of those, how many true labels are no class of the model: always wrong.
      n_several: predictions with several true labels, which are not counted.
      unknown: the most frequent labels that are no class of the model.
      expected: accuracy when the model was evaluated; None where it is not known.
      is_low: whether the live accuracy is below it by more than chance and the margin.
    """

    live: ShareReport
    n_unknown: int = 0
    n_several: int = 0
    unknown: dict[str, int] = {}
    expected: float | None = None
    is_low: bool = False


class EstimateReport(Part):
    """What the accuracy may be, without any label; see :mod:`vision.monitoring.estimation`.

    Attributes:
      atc: by average thresholded confidence.
      confidence: by the difference of calibrated confidences.
      reference: accuracy on the reference set, which both were fitted on.
      temperature: that the probabilities were calibrated with.
      n: predictions it was made from.
    """

    atc: float
    confidence: float
    reference: float
    temperature: float
    n: int


class ExampleReport(Part):
    """One prediction to look at.

    Attributes:
      image: path of the kept image as the log has it; None where none was kept.
      distance: from the reference images; 1 is as far as the last hundredth of them.
    """

    request_id: str
    time: AwareDatetime
    label: str
    probability: float
    distance: float | None = None
    true_labels: tuple[str, ...] = ()
    image: str | None = None
