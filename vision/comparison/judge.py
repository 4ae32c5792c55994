"""Whether the challenger replaces the champion, and why.

The verdict is ``promote`` where nothing speaks against it, ``reject`` where something does, and
``inconclusive`` where the images cannot tell: that one is for a person to decide.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from vision.comparison.paired import Difference, McNemar
from vision.comparison.slices import Slice
from vision.config.deployment import CompareConfig

# 0.9 - 0.7 is a little more than 0.2.
_ROUNDING = 1e-9

Verdict = Literal["promote", "reject", "inconclusive"]


class Cost(BaseModel):
    """What a serving graph costs on this machine.

    Attributes:
      latency_ms: median time for one image.
      memory_mb: what the process grew by when it was opened and used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    latency_ms: float
    memory_mb: float


class Reason(BaseModel):
    """One rule that was judged.

    Attributes:
      rule: its name.
      verdict: what it alone would say.
      sentence: for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    verdict: Verdict
    sentence: str


def join_verdicts(reasons: tuple[Reason, ...]) -> Verdict:
    """Returns the worst verdict: one ``reject`` is enough, then one ``inconclusive``."""
    said = {reason.verdict for reason in reasons}
    for verdict in ("reject", "inconclusive"):
        if verdict in said:
            return verdict
    return "promote"


def judge_metric(found: Difference, n_images: int, config: CompareConfig) -> Reason:
    """Judges the difference of the metric; what is not a number never promotes."""
    numbers = (found.champion, found.challenger, found.low, found.high)
    name = f"{config.metric} on {n_images:,} images"
    if not math.isfinite(found.challenger):
        return _reason("metric", "reject", f"the challenger's {name} is {found.challenger}")
    if not all(map(math.isfinite, numbers)):
        sentence = f"the champion's {name} is {found.champion}: there is nothing to compare with"
        return _reason("metric", "inconclusive", sentence)
    told = (
        f"{name}: {found.challenger:.4f} against {found.champion:.4f}, difference "
        f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}] at {config.confidence:.0%}"
    )
    needed = config.margin if config.rule == "better" else -config.margin
    if found.low > needed:
        return _reason("metric", "promote", f"{told}, surely above {needed:+g}")
    if found.high <= needed or (config.rule == "better" and found.value < 0.0):
        return _reason("metric", "reject", f"{told}, not above {needed:+g}")
    sentence = f"{told}: more images could tell whether it is above {needed:+g}"
    return _reason("metric", "inconclusive", sentence)


def describe_mcnemar(found: McNemar) -> str:
    """Says on how many images one of the two alone is right."""
    return (
        f"the challenger alone is right on {found.only_challenger:,} images, the champion alone on "
        f"{found.only_champion:,} (McNemar's exact p = {found.p_value:.3g})"
    )


def judge_slices(slices: tuple[Slice, ...], config: CompareConfig) -> Reason | None:
    """Judges the class whose recall falls most; None where none is looked at."""
    seen = [each for each in slices if each.n_images >= config.least_slice]
    if config.slice_drop is None or not seen:
        return None
    worst = max(seen, key=lambda each: each.drop)
    told = (
        f"recall of {worst.name!r} ({worst.n_images:,} images) goes from {worst.champion:.3f} to "
        f"{worst.challenger:.3f}"
    )
    if worst.drop > config.slice_drop + _ROUNDING:
        return _reason("slices", "reject", f"{told}; it may fall by {config.slice_drop:g}")
    sentence = f"no class loses more than {config.slice_drop:g}: {told}"
    return _reason("slices", "promote", sentence)


def judge_golden(right: int, champion_right: int, n_images: int) -> Reason:
    """Judges the golden images of the champion: the challenger must be right as often."""
    told = f"{right} of {n_images} golden images right, the champion {champion_right}"
    return _reason("golden", "reject" if right < champion_right else "promote", told)


def judge_cost(challenger: Cost, champion: Cost | None, config: CompareConfig) -> Reason:
    """Judges latency and memory of the serving graph as they were measured on this machine."""
    told = f"{challenger.latency_ms:.2f} ms an image and {challenger.memory_mb:.0f} MB"
    broken = []
    if config.max_latency_ms is not None and challenger.latency_ms > config.max_latency_ms:
        broken.append(f"at most {config.max_latency_ms:g} ms are allowed")
    if config.max_memory_mb is not None and challenger.memory_mb > config.max_memory_mb:
        broken.append(f"at most {config.max_memory_mb:g} MB are allowed")
    if champion is not None:
        ratio = challenger.latency_ms / champion.latency_ms
        told += f", {ratio:.2f} times the champion's {champion.latency_ms:.2f} ms"
        if config.max_latency_ratio is not None and ratio > config.max_latency_ratio:
            broken.append(f"at most {config.max_latency_ratio:g} times are allowed")
    return _reason("cost", "reject" if broken else "promote", "; ".join([told, *broken]))


def _reason(rule: str, verdict: Verdict, sentence: str) -> Reason:
    return Reason(rule=rule, verdict=verdict, sentence=sentence)
