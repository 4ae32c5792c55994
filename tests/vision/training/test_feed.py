"""Batches: full and shuffled for training, in order for validation."""

import numpy as np

from vision.image_source import CachedImages
from vision.training.feed import OrderedBatches, ShuffledBatches

SOURCE = CachedImages(np.arange(10, dtype=np.uint8)[:, None, None, None])
TARGETS = np.arange(10, dtype=np.float32)[:, None]


def plus_key(images, key):
    plus_key.keys.append(key)
    return images


def shuffled(batch_size: int, seed: int = 0) -> ShuffledBatches:
    plus_key.keys = []
    return ShuffledBatches(SOURCE, TARGETS, batch_size, plus_key, seed)


def read(batches) -> list[list[int]]:
    parts = [batches[index] for index in range(len(batches))]
    for images, targets in parts:
        np.testing.assert_array_equal(images.ravel(), targets.ravel())
    return [targets.ravel().astype(int).tolist() for _, targets in parts]


def test_training_batches_are_full_and_others_in_each_epoch():
    batches = shuffled(4)
    first = read(batches)
    batches.begin_next_epoch()
    second = read(batches)
    assert [len(part) for part in first + second] == [4, 4, 4, 4]
    assert first != second
    assert len(set(plus_key.keys)) == 4


def test_the_seed_alone_decides():
    assert read(shuffled(4, seed=3)) == read(shuffled(4, seed=3)) != read(shuffled(4, seed=4))


def test_fewer_images_than_a_batch_make_one():
    (only,) = read(shuffled(64))
    assert sorted(only) == list(range(10))


def test_validation_batches_cover_everything_in_order():
    batches = OrderedBatches(SOURCE, TARGETS, 4)
    batches.begin_next_epoch()
    assert read(batches) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
