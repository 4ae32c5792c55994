"""Which images are held out, decided by their content alone.

The same bytes always land in the same split, whatever they are called and however often they
occur, so exact duplicates never leak from training into the test. Nor do images of one group.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from vision.datasets.stratify import split_units
from vision.datasets.table import split_label


def assign_splits(
    contents: Sequence[str],
    labels: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    groups: Sequence[str] = (),
    is_multilabel: bool = False,
) -> list[str]:
    """Assigns each image to ``train`` or to a held-out split, stratified by class.

    Within each class, distinct contents are ordered by a salted hash and cut at the shares, each
    rounded to the nearest whole number of contents; at least one stays in ``train``. A content
    with several labels is counted under the first of them.

    Where there are groups, or several classes per image, whole units are assigned instead, see
    :func:`vision.datasets.stratify.split_units`.

    Args:
      contents: sha256 of each image.
      labels: class of each image, in the same order.
      shares: held-out split to its share of each class, for example
        ``{"validation": 0.15, "test": 0.15}``.
      seed: another seed holds out other images.
      groups: of each image, in the order of ``contents``, empty for an image on its own; or none
        at all. A group is never divided.
      is_multilabel: whether ``labels`` are class names with ``|`` between them.

    Returns:
      the split of each image, in the order of ``contents``.
    """
    label_of: dict[str, str] = {}
    for content, label in zip(contents, labels, strict=True):
        label_of[content] = min(label, label_of.get(content, label))
    if is_multilabel or any(groups):
        classes = {
            content: split_label(label) if is_multilabel else (label,)
            for content, label in label_of.items()
        }
        whole = split_units(contents, classes, groups or [""] * len(contents), shares, seed)
        return [whole[content] for content in contents]
    by_class: dict[str, list[str]] = defaultdict(list)
    for content, label in label_of.items():
        by_class[label].append(content)
    split_of: dict[str, str] = {}
    for members in by_class.values():
        order = iter(_shuffled(members, seed))
        for split, count in _counts(len(members), shares).items():
            split_of.update((next(order), split) for _ in range(count))
        split_of.update((content, "train") for content in order)
    return [split_of[content] for content in contents]


def fewest_images(split: str, shares: Mapping[str, float]) -> int:
    """Returns how many distinct images a class needs for ``split`` to get one of them.

    Args:
      split: one of ``shares``, with a share above 0.
      shares: as in :func:`assign_splits`.
    """
    # Fewer than half an image is rounded to none.
    n_images = max(1, math.floor(0.5 / shares[split]))
    while _counts(n_images, shares)[split] < 1:
        n_images += 1
    return n_images


def _shuffled(contents: Iterable[str], seed: int) -> list[str]:
    return sorted(
        contents, key=lambda content: hashlib.sha256(f"{seed}/{content}".encode()).digest()
    )


def _counts(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Returns how many of ``n`` go to each held-out split, leaving at least one for training."""
    counts = {split: math.floor(n * share + 0.5) for split, share in shares.items()}
    while sum(counts.values()) >= n:
        largest = max(counts, key=lambda split: counts[split])
        counts[largest] -= 1
    return counts
