"""The augmentation section: which operations vary the training images, and how much.

A policy is a list of operations, applied in order to every training image::

    policy:
      - brightness: {add: [-30, 30], probability: 0.5}
      - flip_horizontal: {probability: 0.5}
      - one_of:
          - rotate: {degrees: [-20, 20]}
          - scale: {factor: [0.8, 1.2]}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vision.config.section import Section


def _is_ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("must be [low, high] with low <= high")
    return bounds


Levels = Annotated[
    tuple[Annotated[float, Field(ge=-255, le=255)], Annotated[float, Field(ge=-255, le=255)]],
    AfterValidator(_is_ordered),
]
Degrees = Annotated[
    tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-180, le=180)]],
    AfterValidator(_is_ordered),
]
Factor = Annotated[
    tuple[Annotated[float, Field(gt=0, le=10)], Annotated[float, Field(gt=0, le=10)]],
    AfterValidator(_is_ordered),
]
Share = Annotated[
    tuple[Annotated[float, Field(ge=-1, le=1)], Annotated[float, Field(ge=-1, le=1)]],
    AfterValidator(_is_ordered),
]
Sigma = Annotated[
    tuple[Annotated[float, Field(ge=0, le=50)], Annotated[float, Field(ge=0, le=50)]],
    AfterValidator(_is_ordered),
]


class Sometimes(Section):
    """An operation that is applied to a share of the images.

    Attributes:
      probability: share of the images it is applied to.
    """

    probability: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0


class Brightness(Sometimes):
    """Adds one grey level, drawn from ``add`` (units of 0..255), to every pixel."""

    add: Levels


class Contrast(Sometimes):
    """Scales the distance of every pixel from mid-grey by a factor drawn from ``factor``."""

    factor: Factor


class Rotate(Sometimes):
    """Rotates about the centre by an angle drawn from ``degrees``."""

    degrees: Degrees


class Scale(Sometimes):
    """Zooms about the centre by a factor drawn from ``factor``; 1 changes nothing."""

    factor: Factor


class Translate(Sometimes):
    """Shifts by a share of the width and of the height, each drawn from ``share``."""

    share: Share


class Blur(Sometimes):
    """Gaussian blur with a standard deviation drawn from ``sigma_px``."""

    sigma_px: Sigma


class Noise(Sometimes):
    """Adds Gaussian noise with a standard deviation drawn from ``sigma`` (units of 0..255)."""

    sigma: Sigma


class Operation(Section):
    """One entry of a policy: exactly one of the keys."""

    brightness: Brightness | None = None
    contrast: Contrast | None = None
    flip_horizontal: Sometimes | None = None
    flip_vertical: Sometimes | None = None
    rotate: Rotate | None = None
    scale: Scale | None = None
    translate: Translate | None = None
    blur: Blur | None = None
    noise: Noise | None = None
    one_of: tuple[Operation, ...] | None = None

    @model_validator(mode="after")
    def _names_one_operation(self) -> Operation:
        named = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none"
            raise ValueError(f"each entry of a policy names exactly one operation, found {found}")
        if self.one_of is not None and len(self.one_of) < 2:
            raise ValueError("one_of needs at least two operations to choose from")
        return self

    @property
    def name(self) -> str:
        """The operation's key."""
        return next(key for key in type(self).model_fields if getattr(self, key) is not None)


DEFAULT_POLICY = (
    Operation(brightness=Brightness(add=(-30, 30), probability=0.5)),
    Operation(flip_horizontal=Sometimes(probability=0.5)),
    Operation(
        one_of=(
            Operation(rotate=Rotate(degrees=(-20, 20))),
            Operation(scale=Scale(factor=(0.8, 1.2))),
        )
    ),
)


class AugmentationConfig(Section):
    """How training images are varied.

    Attributes:
      backend: ``imgaug``, ``keras`` layers, or ``none``.
      policy: operations in order; the default varies brightness, mirrors half of the images and
        rotates or zooms each. Digits must not be mirrored.
    """

    backend: Literal["imgaug", "keras", "none"] = "imgaug"
    policy: tuple[Operation, ...] = DEFAULT_POLICY
