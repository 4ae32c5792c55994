"""Feeds Keras with shuffled, augmented batches, made off the training thread.

The order of the images and every augmentation follow from the seed, the epoch and the batch's
position alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.augmentation import Augmenter
from vision.image_source import Images, ImageSource, Positions
from vision.quiet import import_tensorflow

Floats = npt.NDArray[np.float32]


def training_feed(
    source: ImageSource,
    targets: Floats,
    batch_size: int,
    augment: Augmenter,
    seed: int,
) -> Any:
    """Returns a ``keras.utils.PyDataset`` of ``(images uint8, targets float32)`` batches.

    Every batch is full, so that the training step is compiled once; the few images left over are
    others in each epoch. Fewer images than ``batch_size`` make one batch.

    Args:
      source: the decoded training images.
      targets: ``(n, n_classes)`` one-hot float32 rows aligned with ``source``.
      batch_size: images per batch.
      augment: applied to each batch.
      seed: decides the order and the augmentations.
    """
    import_tensorflow()
    import keras

    class Feed(keras.utils.PyDataset):  # type: ignore[misc]
        """Shuffled, augmented batches of one epoch after the other."""

        def __init__(self) -> None:
            super().__init__(workers=1, max_queue_size=8)
            self._epoch = 0
            self._order = _order(len(source), seed, epoch=0)

        def __len__(self) -> int:
            return max(1, len(source) // batch_size)

        def __getitem__(self, index: int) -> tuple[Images, Floats]:
            chosen = self._order[index * batch_size : (index + 1) * batch_size]
            images = augment(source.take(chosen), _key(seed, self._epoch, index))
            return images, targets[chosen]

        def on_epoch_end(self) -> None:
            self._epoch += 1
            self._order = _order(len(source), seed, self._epoch)

    return Feed()


def ordered_feed(source: ImageSource, targets: Floats, batch_size: int) -> Any:
    """Returns a ``keras.utils.PyDataset`` of unchanged batches in the order of the table."""
    import_tensorflow()
    import keras

    class Feed(keras.utils.PyDataset):  # type: ignore[misc]
        """Batches in order; the last may be smaller."""

        def __len__(self) -> int:
            return -(-len(source) // batch_size)

        def __getitem__(self, index: int) -> tuple[Images, Floats]:
            chosen = np.arange(index * batch_size, min((index + 1) * batch_size, len(source)))
            return source.take(chosen), targets[chosen]

    return Feed()


def _order(n_images: int, seed: int, epoch: int) -> Positions:
    return np.random.default_rng((seed, epoch)).permutation(n_images)


def _key(seed: int, epoch: int, index: int) -> int:
    # imgaug wants a 32-bit seed; the sequence mixes three small numbers into one.
    return int(np.random.SeedSequence((seed, epoch, index)).generate_state(1)[0])
