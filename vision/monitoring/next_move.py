"""What people should do about a report, in plain sentences: what moved, then the next move."""

from __future__ import annotations

from collections.abc import Sequence

from vision.monitoring.intervals import labels_needed, wilson
from vision.monitoring.report import VersionReport
from vision.monitoring.report_parts import AccuracyReport, ClassesReport
from vision.validation.shorten import shorten
from vision.wording import count

# What a view is, as the thing that moved.
MOVED = {
    "uae": "what the images look like",
    "bbsd": "how the model answers",
    "penultimate": "what the model sees in the images",
    "properties": "light, colour or sharpness",
    "classes": "how often each class is predicted",
    "accuracy": "how often the model is right",
}
_LOOKS = frozenset(("uae", "properties"))
_MOST_NAMED = 3


def next_move(report: VersionReport, n_least: int) -> str:
    """Returns what to do now.

    Args:
      report: everything but this sentence.
      n_least: predictions below which nothing is tested.
    """
    if report.verdict == "error":
        return "Mend what the message says and run monitoring again; nothing was checked."
    if report.verdict == "no_traffic":
        return (
            "Check that the service is up and that this is the log it writes to; if it is meant to "
            "be idle, there is nothing to do."
        )
    if report.verdict == "too_few":
        return (
            f"Wait for more traffic, or look at a longer period (monitoring.days): there are "
            f"{count(report.n_predictions, 'prediction')}, and tests need {n_least:,}."
        )
    if report.verdict == "ok":
        return " ".join(["Nothing to do.", *_about_labels(report)])
    return " ".join([_what_moved(report), *_advice(report)])


def join_words(words: Sequence[str]) -> str:
    """Returns ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _what_moved(report: VersionReport) -> str:
    moved = join_words([MOVED.get(view, view) for view in report.moved])
    since = ""
    if report.since:
        is_open = report.since == report.days[0].day
        since = f" since {report.since:%Y-%m-%d}{' or before' if is_open else ''}"
    return f"{moved[0].upper()}{moved[1:]} changed{since}."


def _advice(report: VersionReport) -> list[str]:
    moved = set(report.moved)
    advice = []
    if moved & _LOOKS:
        properties = [each.name for each in report.properties if each.is_moved][:_MOST_NAMED]
        named = f" ({join_words(properties)} moved most)" if properties else ""
        advice.append(
            f"Look at the drifted images in the report{named}: if camera, light, compression or "
            "the program that sends them changed, mend that first."
        )
    elif "classes" in moved:
        advice.append(
            f"{_which_class(report.classes)} That alone moves answers and features: ask whether "
            "other things really come before the camera; if so, the model may be as good as ever."
        )
    elif moved & {"bbsd", "penultimate"}:
        tested = {test["view"] for test in report.tests}
        calm = "The images look as before, so look" if tested & _LOOKS else "Look"
        advice.append(
            f"{calm} at the drifted and unsure ones for things that the model was never shown."
        )
    if report.accuracy and report.accuracy.is_low:
        advice.append(_about_accuracy(report.accuracy))
        return advice
    return [*advice, *_about_labels(report)]


def _which_class(classes: ClassesReport) -> str:
    """Returns a sentence about the class whose share moved most; there is one."""
    most = max(classes.shares, key=lambda each: abs((each.predicted.value or 0) - each.reference))
    return (
        f"{shorten(most.name, 40)} is {most.predicted.value or 0:.0%} of the predictions and was "
        f"{most.reference:.0%} of the reference set."
    )


def _about_accuracy(accuracy: AccuracyReport) -> str:
    live = accuracy.live
    unknown = (
        f", {count(accuracy.n_unknown, 'time')} because the model has no such class"
        if accuracy.n_unknown
        else ""
    )
    return (
        f"Live accuracy is {live.value:.3f} ({live.low:.3f} to {live.high:.3f}, "
        f"{count(live.n, 'label')}) and was {accuracy.expected:.3f} in the evaluation{unknown}: "
        "if people report mistakes more than successes, label a random sample before you believe "
        "it; else roll back to a version that did better, or label the review batch and retrain."
    )


def _about_labels(report: VersionReport) -> list[str]:
    """Returns how many labels would tell whether the model is still right."""
    accuracy, estimate = report.accuracy, report.estimate
    if accuracy is None or estimate is None:
        return []
    n_missing = labels_needed(estimate.atc) - accuracy.live.n
    if report.verdict == "ok":
        if accuracy.live.n:
            return []
        return [
            f"Nobody has said what any image really was: feedback on {n_missing:,} random ones "
            "would tell the accuracy within 5 points."
        ]
    if n_missing <= 0:
        return [_about_days(report)]
    return [
        f"Then label {count(n_missing, 'random image')} to know the accuracy within 5 points (the "
        "review batch says which are random), and retrain if it fell; the rest of the batch is "
        "what training lacks."
    ]


def _about_days(report: VersionReport) -> str:
    """Returns how accuracy went since things moved: the whole period hides what began late."""
    late = [day.accuracy for day in report.days if report.since and day.day >= report.since]
    n = sum(share.n for share in late)
    n_right = sum(round(share.n * (share.value or 0.0)) for share in late)
    whole = "Live accuracy of the whole period has not fallen by more than chance"
    if not n:
        return f"{whole}: retrain only if it does."
    low, high = wilson(n_right, n)
    return (
        f"{whole}; since then it is {n_right / n:.3f} ({low:.3f} to {high:.3f}, "
        f"{count(n, 'label')}): retrain if that is too little."
    )
