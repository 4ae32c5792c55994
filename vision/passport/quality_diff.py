"""How metrics, recalls, sizes and speed differ between two passports."""

from __future__ import annotations

from collections.abc import Callable

from vision.passport.change import Change, number_change
from vision.passport.parts import ClassPart, EvaluationPart, MetricPart
from vision.passport.passport import Passport
from vision.passport.wording import tell_bytes, tell_number
from vision.wording import count

# What is measured again on a busy machine differs by this much without any cause.
_NOISE = 0.05


def metric_changes(before: EvaluationPart, after: EvaluationPart) -> list[Change]:
    """Says how each metric changed, and whether their intervals leave a doubt."""
    old = {each.name: each for each in before.metrics}
    new = {each.name: each for each in after.metrics}
    nothing = MetricPart(name="", value=None)
    changes: list[Change] = []
    for name in dict.fromkeys((*old, *new)):
        one, two = old.get(name, nothing), new.get(name, nothing)
        for change in number_change(
            "Quality", name, one.value, two.value, told=tell_number, more_is="better"
        ):
            sentence = f"{change.sentence}{_doubt(one, two)}"
            changes.append(Change(change.section, sentence, change.effect))
    return changes


def class_changes(before: EvaluationPart, after: EvaluationPart) -> list[Change]:
    """Names the classes whose recall changed beyond chance; the others are counted."""
    if before.classes is None or after.classes is None:
        return []
    old = {each.name: each for each in before.classes}
    changes, unclear = [], 0
    for two in after.classes:
        one = old.get(two.name)
        if one is None or one.recall is None or two.recall is None or one.recall == two.recall:
            continue
        if _overlap(one, two):
            unclear += 1
            continue
        changes += number_change(
            "Quality",
            f"recall of {two.name!r}",
            one.recall,
            two.recall,
            told=tell_number,
            more_is="better",
        )
    if unclear:
        sentence = f"recall of {count(unclear, 'class')} differs by what may be chance"
        changes.append(Change("Quality", sentence))
    return changes


def price_changes(before: Passport, after: Passport) -> list[Change]:
    """Says what became larger or slower; times and memory from 5 % on."""
    old, new = _prices(before), _prices(after)
    changes: list[Change] = []
    for name, (told, least) in _PRICES.items():
        changes += number_change(
            "Sizes and speed", name, old[name], new[name], told=told, more_is="worse", least=least
        )
    return changes


def _prices(passport: Passport) -> dict[str, float | None]:
    """Returns what :data:`_PRICES` names."""
    costs = passport.comparison.costs if passport.comparison else ()
    bento, image = passport.bento, passport.image
    return {
        "the latency of an image": costs[0].latency_ms if costs else None,
        "the memory of the graph": costs[0].memory_mb if costs else None,
        "the serving graph": passport.model.graph_bytes,
        "the bento": None if bento is None else bento.n_bytes,
        "the cold start of the bento": None if bento is None else bento.cold_start_s,
        "the image": None if image is None else image.n_bytes,
        "the cold start of the image": None if image is None else image.cold_start_s,
        "the difference that parity allows": passport.parity.tolerance,
    }


def _doubt(one: MetricPart, two: MetricPart) -> str:
    found = _overlap(one, two)
    if found is None:
        return ""
    return "; the intervals overlap" if found else "; the intervals do not overlap"


def _overlap(one: MetricPart | ClassPart, two: MetricPart | ClassPart) -> bool | None:
    """Returns whether the intervals have something in common; None where one is not known."""
    if one.low is None or one.high is None or two.low is None or two.high is None:
        return None
    return one.low <= two.high and two.low <= one.high


def _bytes(n_bytes: float) -> str:
    return tell_bytes(int(n_bytes))


# How each is told, and the share of it that is noise.
_PRICES: dict[str, tuple[Callable[[float], str], float]] = {
    "the latency of an image": ("{:.2f} ms".format, _NOISE),
    "the memory of the graph": ("{:.0f} MB".format, _NOISE),
    "the serving graph": (_bytes, 0.0),
    "the bento": (_bytes, 0.0),
    "the cold start of the bento": ("{:.1f} s".format, _NOISE),
    "the image": (_bytes, 0.0),
    "the cold start of the image": ("{:.1f} s".format, _NOISE),
    "the difference that parity allows": ("{:g}".format, 0.0),
}
