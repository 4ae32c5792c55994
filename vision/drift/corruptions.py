"""What happens to images after a model was trained, done on purpose, in three severities.

All of it works on ``(h, w, 3)`` RGB uint8 of any size and keeps it; lengths are shares of the
shorter side, so that the same severity means the same to a digit of 8 px and a photo of 500 px.
Gray images stay gray. The ideas are those of "Benchmarking Neural Network Robustness to Common
Corruptions" (Hendrycks & Dietterich, ICLR 2019: blur, noise, light, contrast, JPEG) and "Failing
Loudly" (Rabanser et al., NeurIPS 2019: moved and zoomed images, shares of a window, knock-out of
classes); the numbers are ours.

================  ==============  ===========================================================
kind              severity 1 2 3  what it is
================  ==============  ===========================================================
``blur``          .01 .02 .04     Gaussian, deviation as a share of the side and at least
                                  0.4, 0.6, 1.0 px: a lens out of focus
``noise``         .04 .08 .16     Gaussian, deviation as a share of the range of a pixel
``dark``          .8  .6  .35     times as much light
``bright``        .1  .2  .35     of the range is added
``contrast``      .75 .5  .25     of the distance to the image's mean is left
``jpeg``          50  25  10      quality it is saved with again
``channel_swap``  .25 .5  1.      of the images have red and blue exchanged
``shift``         1/8 1/4 3/8     of the side, to the right and down; the edge is repeated
``crop``          .9  .75 .5      of each side is left, the middle, enlarged
``new_class``     .25 .5  1.      of the images are something the model has never seen
``class_shift``   .2  .4  .7      of the images are replaced by images of one class
================  ==============  ===========================================================

Nobody has images of a class that does not exist yet. ``new_class`` puts one together from the
corners of four images of the window, each in the opposite corner and upside down: light, colours
and texture are those of the data, the thing is not. ``class_shift`` changes no pixel; it is which
images come, see :func:`shift_classes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift import corrupted_pixels
from vision.images.types import Pixels

Rng = np.random.Generator

SEVERITIES = (1, 2, 3)

_STRENGTHS: dict[str, tuple[float, float, float]] = {
    "blur": (0.01, 0.02, 0.04),
    "noise": (0.04, 0.08, 0.16),
    "dark": (0.8, 0.6, 0.35),
    "bright": (0.1, 0.2, 0.35),
    "contrast": (0.75, 0.5, 0.25),
    "jpeg": (50, 25, 10),
    "channel_swap": (0.25, 0.5, 1.0),
    "shift": (1 / 8, 1 / 4, 3 / 8),
    "crop": (0.9, 0.75, 0.5),
    "new_class": (0.25, 0.5, 1.0),
    "class_shift": (0.2, 0.4, 0.7),
}
SCENARIOS = tuple(_STRENGTHS)
_WORDS = {
    "blur": "over {:.0%} of the side",
    "noise": "{:.0%} of the range",
    "dark": "{:.0%} of the light",
    "bright": "{:.0%} of the range more",
    "contrast": "{:.0%} of the contrast",
    "jpeg": "quality {:.0f}",
    "channel_swap": "{:.0%} of the images",
    "shift": "{:.0%} of the side",
    "crop": "{:.0%} of each side",
    "new_class": "{:.0%} of the images",
    "class_shift": "{:.0%} of the images",
}


def strength(kind: str, severity: int) -> float:
    """Returns the number that stands in the table above.

    Raises:
      ValueError: there is no such kind or severity.
    """
    if kind not in _STRENGTHS:
        raise ValueError(f"there is no corruption {kind!r}; there are {', '.join(SCENARIOS)}")
    if severity not in SEVERITIES:
        raise ValueError(f"severity is {severity!r}, and must be 1, 2 or 3")
    return _STRENGTHS[kind][severity - 1]


def describe(kind: str, severity: int) -> str:
    """Returns how strong a severity is in a few words, such as ``60% of the light``.

    Raises:
      ValueError: there is no such kind or severity.
    """
    amount = strength(kind, severity)
    return _WORDS[kind].format(amount)


def corrupt(images: Sequence[Pixels], kind: str, severity: int, rng: Rng) -> list[Pixels]:
    """Corrupts the images of a window.

    Args:
      images: ``(h, w, 3)`` RGB uint8, of any sizes.
      kind: one of :data:`SCENARIOS` but ``class_shift``.
      severity: 1, 2 or 3.
      rng: decides which images, where a severity is a share of them, and draws the noise.

    Returns:
      as many new images, each of the size it had; the same ``rng`` gives the same images.

    Raises:
      ValueError: there is no such kind or severity, or the kind changes no pixels.
    """
    amount = strength(kind, severity)
    if kind == "class_shift":
        raise ValueError("class_shift changes which images come; choose them with shift_classes")
    if kind in _OF_SOME:
        return _corrupt_some(images, _OF_SOME[kind], amount, rng)
    return [_OF_EACH[kind](image, amount, rng) for image in images]


def shift_classes(
    labels: Sequence[str] | npt.NDArray[Any], severity: int, n_images: int, rng: Rng
) -> npt.NDArray[np.intp]:
    """Chooses images so that one class, drawn at random, occurs more often than it did.

    Args:
      labels: the class of each image there is, as names or indices.
      severity: 1, 2 or 3: 20, 40 or 70 % of the chosen images are of the drawn class, and it has
        its usual share of the others.
      n_images: how many to choose.
      rng: draws class and images.

    Returns:
      ``(n_images,)`` positions in ``labels``, in random order. None comes twice, if there is a
      class of which :func:`classes_to_shift` says so, for then one of these is drawn; else none
      comes twice before all images of its kind came once.

    Raises:
      ValueError: there are no images, or no such severity.
    """
    amount = strength("class_shift", severity)
    classes = np.asarray(labels)
    if not len(classes):
        raise ValueError("there are no images to choose from")
    large = classes_to_shift(classes, severity, n_images)
    drawn = rng.choice(large if len(large) else np.unique(classes))
    is_drawn = classes == drawn
    n_of_one = _n_of_one(amount, n_images, float(is_drawn.mean()))
    of_one = _draw(np.flatnonzero(is_drawn), n_of_one, rng)
    others = _draw(np.flatnonzero(~is_drawn), n_images - n_of_one, rng)
    chosen: npt.NDArray[np.intp] = rng.permutation(np.concatenate([of_one, others]))
    return chosen


def classes_to_shift(
    labels: Sequence[str] | npt.NDArray[Any], severity: int, n_images: int
) -> npt.NDArray[Any]:
    """Returns the classes of which there are enough images that none comes twice.

    Repeated images look like drift of their own.

    Args:
      labels: the class of each image there is, as names or indices.
      severity: 1, 2 or 3.
      n_images: how many are to be chosen.

    Raises:
      ValueError: there is no such severity.
    """
    amount = strength("class_shift", severity)
    names, counts = np.unique(np.asarray(labels), return_counts=True)
    # Where one class has enough, the others have too: theirs is less than their usual share.
    is_enough = [_n_of_one(amount, n_images, n / counts.sum()) <= n for n in counts]
    return np.asarray(names[np.array(is_enough, bool)])


def _n_of_one(amount: float, n_images: int, usual: float) -> int:
    """Returns how many images are of the drawn class, whose usual share is given."""
    n_more = round(amount * n_images)
    return n_more + round(usual * (n_images - n_more))


def _draw(positions: npt.NDArray[np.intp], n: int, rng: Rng) -> npt.NDArray[np.intp]:
    rounds = -(-n // max(1, len(positions)))
    drawn = [rng.permutation(positions) for _ in range(rounds)]
    joined: npt.NDArray[np.intp] = np.concatenate([positions[:0], *drawn])[:n]
    return joined


def _corrupt_some(
    images: Sequence[Pixels],
    change: Callable[[Pixels, Sequence[Pixels], Rng], Pixels],
    share: float,
    rng: Rng,
) -> list[Pixels]:
    n_changed = round(share * len(images))
    chosen = set(rng.permutation(len(images))[:n_changed].tolist())
    return [
        change(image, images, rng) if position in chosen else image.copy()
        for position, image in enumerate(images)
    ]


_OF_EACH: dict[str, Callable[[Pixels, float, Rng], Pixels]] = {
    "blur": corrupted_pixels.blur,
    "noise": corrupted_pixels.noise,
    "dark": corrupted_pixels.dark,
    "bright": corrupted_pixels.bright,
    "contrast": corrupted_pixels.contrast,
    "jpeg": corrupted_pixels.jpeg,
    "shift": corrupted_pixels.shift,
    "crop": corrupted_pixels.crop,
}
_OF_SOME: dict[str, Callable[[Pixels, Sequence[Pixels], Rng], Pixels]] = {
    "channel_swap": corrupted_pixels.swap_channels,
    "new_class": corrupted_pixels.new_thing,
}
