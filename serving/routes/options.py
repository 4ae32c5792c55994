"""The options of a form, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from serving.predict import PictureFormat, PictureKind, PredictOptions
from serving.problems import BAD_VALUE, ProblemError

_KINDS = ("none", "heatmap", "overlay")
_FORMATS = ("jpeg", "png")


def read_options(
    given: Mapping[str, str], n_classes: int, explain: Literal["none", "overlay"] = "none"
) -> PredictOptions:
    """Returns the options of a form.

    Args:
      given: the text fields of the form.
      n_classes: the most that ``top_k`` can be.
      explain: the picture where the form asks for none.

    Raises:
      ProblemError: 422, a value that cannot be used; the message has the rule.
    """
    # BentoML's Python client writes text fields as JSON, in quotes.
    values = {name: value.removeprefix('"').removesuffix('"') for name, value in given.items()}
    kind = _one_of("explain", values.get("explain", explain), _KINDS)
    picture_format = _one_of("format", values.get("format", "jpeg"), _FORMATS)
    return PredictOptions(
        top_k=_top_k(values.get("top_k", "0"), n_classes),
        explain=None if kind == "none" else cast(PictureKind, kind),
        picture_format=cast(PictureFormat, picture_format),
    )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ProblemError(BAD_VALUE, f"The field '{name}' must be one of {', '.join(known)}.")
    return value


def _top_k(value: str, n_classes: int) -> int:
    if value.isascii() and value.isdecimal() and len(value) <= 6 and int(value) <= n_classes:
        return int(value)
    detail = f"The field 'top_k' must be a whole number from 0 to {n_classes}, the classes."
    raise ProblemError(BAD_VALUE, detail)
