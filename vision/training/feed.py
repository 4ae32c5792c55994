"""Feeds Keras with shuffled, augmented batches, made off the training thread.

The order of the images and every augmentation follow from the seed, the epoch and the batch's
position alone.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vision.augmentation import Augmenter
from vision.image_source import Images, ImageSource, Positions
from vision.quiet import import_tensorflow

Floats = npt.NDArray[np.float32]


class Batches(Protocol):
    """The batches of one epoch after the other, by their position in it."""

    def __len__(self) -> int:
        """Batches per epoch."""
        ...

    def __getitem__(self, index: int) -> tuple[Images, Floats]:
        """Returns ``(n, height, width, 3)`` images and their ``(n, n_classes)`` targets."""
        ...

    def begin_next_epoch(self) -> None:
        """Is called when an epoch is over."""
        ...


class ShuffledBatches:
    """Shuffled, augmented batches.

    Every batch is full, so that the training step is compiled once; the few images left over are
    others in each epoch. Fewer images than ``batch_size`` make one batch.
    """

    def __init__(
        self, source: ImageSource, targets: Floats, batch_size: int, augment: Augmenter, seed: int
    ) -> None:
        self._source = source
        self._targets = targets
        self._batch_size = batch_size
        self._augment = augment
        self._seed = seed
        self._epoch = 0
        self._order = _order(len(source), seed, epoch=0)

    def __len__(self) -> int:
        return max(1, len(self._source) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Images, Floats]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images = self._source.take(chosen)
        return self._augment(images, _key(self._seed, self._epoch, index)), self._targets[chosen]

    def begin_next_epoch(self) -> None:
        """Shuffles anew."""
        self._epoch += 1
        self._order = _order(len(self._source), self._seed, self._epoch)


class OrderedBatches:
    """Unchanged batches in the order of the table; the last may be smaller."""

    def __init__(self, source: ImageSource, targets: Floats, batch_size: int) -> None:
        self._source = source
        self._targets = targets
        self._batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self._source) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Images, Floats]:
        end = min((index + 1) * self._batch_size, len(self._source))
        chosen = np.arange(index * self._batch_size, end)
        return self._source.take(chosen), self._targets[chosen]

    def begin_next_epoch(self) -> None:
        """Changes nothing: every epoch is the same."""


def training_feed(
    source: ImageSource, targets: Floats, batch_size: int, augment: Augmenter, seed: int
) -> Any:
    """Returns :class:`ShuffledBatches` as a ``keras.utils.PyDataset``.

    Args:
      source: the decoded training images.
      targets: ``(n, n_classes)`` one-hot float32 rows aligned with ``source``.
      batch_size: images per batch.
      augment: applied to each batch.
      seed: decides the order and the augmentations.
    """
    return _as_dataset(ShuffledBatches(source, targets, batch_size, augment, seed))


def ordered_feed(source: ImageSource, targets: Floats, batch_size: int) -> Any:
    """Returns :class:`OrderedBatches` as a ``keras.utils.PyDataset``."""
    return _as_dataset(OrderedBatches(source, targets, batch_size))


def _as_dataset(batches: Batches) -> Any:
    # The class is made here because its base can only be named once Keras is imported.
    import_tensorflow()
    import keras

    class Feed(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(workers=1, max_queue_size=8)

        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> tuple[Images, Floats]:
            return batches[index]

        def on_epoch_end(self) -> None:
            batches.begin_next_epoch()

    return Feed()


def _order(n_images: int, seed: int, epoch: int) -> Positions:
    return np.random.default_rng((seed, epoch)).permutation(n_images)


def _key(seed: int, epoch: int, index: int) -> int:
    # imgaug wants a 32-bit seed; the sequence mixes three small numbers into one.
    return int(np.random.SeedSequence((seed, epoch, index)).generate_state(1)[0])
