import os
import threading

import numpy as np
import pytest

from tests.synthetic import make_table
from vision.errors import DatasetError
from vision.image_source import CachedImages, StreamedImages, batches, open_images

SIZE = (16, 12)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=5)


def test_cache_and_stream_hold_the_same_pixels_in_the_same_order(table):
    paths = list(table.frame["path"])
    cached = open_images(table.root, paths, SIZE, budget_bytes=10**9)
    streamed = open_images(table.root, paths, SIZE, budget_bytes=0)
    assert isinstance(cached, CachedImages)
    assert isinstance(streamed, StreamedImages)
    chosen = np.array([7, 0, 44, 7])
    np.testing.assert_array_equal(cached.take(chosen), streamed.take(chosen))
    assert cached.take(chosen).shape == (4, *SIZE, 3)


def test_the_budget_decides_to_the_byte(table):
    paths = list(table.frame["path"])
    needed = len(paths) * SIZE[0] * SIZE[1] * 3
    assert isinstance(open_images(table.root, paths, SIZE, needed), CachedImages)
    assert isinstance(open_images(table.root, paths, SIZE, needed - 1), StreamedImages)


def test_taking_gives_copies(table):
    source = open_images(table.root, list(table.frame["path"]), SIZE, 10**9)
    first = source.take(np.array([0]))
    first[:] = 0
    assert source.take(np.array([0])).max() > 0


def test_batches_cover_everything_once_in_order(table):
    source = open_images(table.root, list(table.frame["path"]), SIZE, 10**9)
    parts = list(batches(source, 8))
    assert [len(part) for part in parts] == [8, 8, 8, 8, 8, 5]
    np.testing.assert_array_equal(np.concatenate(parts), source.take(np.arange(45)))


def test_a_missing_file_is_named(table):
    with pytest.raises(DatasetError, match=r"absent\.png cannot be read"):
        open_images(table.root, ["absent.png"], SIZE, 10**9)


@pytest.mark.parametrize("cores", [{0}, {0, 1, 2}])
def test_a_stream_keeps_its_threads_one_per_core_of_this_process(table, monkeypatch, cores):
    from vision.images.preprocess import load_image

    threads = set()

    def watched(data, input_size):
        threads.add(threading.current_thread())
        return load_image(data, input_size)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    monkeypatch.setattr("vision.image_source.load_image", watched)
    source = open_images(table.root, list(table.frame["path"]), SIZE, budget_bytes=0)
    for _ in range(3):
        source.take(np.arange(45))
    assert 1 <= len(threads) <= len(cores)
    assert all(thread.is_alive() for thread in threads)


def test_memory_is_that_of_the_decoded_images(table):
    paths = list(table.frame["path"])
    assert open_images(table.root, paths, SIZE, 10**9).n_bytes == 45 * 16 * 12 * 3
    assert open_images(table.root, paths, SIZE, 0).n_bytes == 0
