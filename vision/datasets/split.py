"""Which images are held out, decided by their content alone.

The same bytes always land in the same split, whatever they are called, however often they occur
and whatever else is in the dataset, so exact duplicates never leak from training into the test, and
a model is never scored on what an earlier one was trained on. Nor are images of a group divided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vision.datasets.hold_out import split_units
from vision.datasets.table import split_label


def assign_splits(
    contents: Sequence[str],
    labels: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    groups: Sequence[str] = (),
    is_multilabel: bool = False,
) -> list[str]:
    """Assigns each image to ``train`` or to a held-out split.

    A salted hash of the content, or of the group, decides, so shares are met on average and not
    exactly. Images that stay keep their split when others come and go, but for classes so small
    that the hashes leave them without an image in some split, see
    :func:`vision.datasets.hold_out.split_units`. A content with several labels is counted under
    the first of them.

    Args:
      contents: sha256 of each image.
      labels: class of each image, in the same order.
      shares: held-out split to its share of the images, for example
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
    classes = {
        content: split_label(label) if is_multilabel else (label,)
        for content, label in label_of.items()
    }
    split_of = split_units(contents, classes, groups or [""] * len(contents), shares, seed)
    return [split_of[content] for content in contents]


def fewest_images(shares: Mapping[str, float]) -> int:
    """Returns how many distinct images a class needs to be sure of one in every split.

    Args:
      shares: as in :func:`assign_splits`.
    """
    return 1 + sum(share > 0 for share in shares.values())
