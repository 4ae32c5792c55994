import itertools

import cv2
import numpy as np
import pytest

from vision.drift.corruptions import (
    SCENARIOS,
    SEVERITIES,
    classes_to_shift,
    corrupt,
    shift_classes,
    strength,
)

PIXEL_KINDS = tuple(kind for kind in SCENARIOS if kind != "class_shift")
OF_EACH = tuple(kind for kind in PIXEL_KINDS if kind not in ("channel_swap", "new_class"))
SIZES = ((8, 8), (1, 1), (1, 9), (500, 500), (37, 90))


def photo(height: int = 32, width: int = 32, seed: int = 0) -> np.ndarray:
    """Returns a smooth colourful image with an edge in it."""
    coarse = np.random.default_rng(seed).integers(40, 180, (5, 5, 3), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image[height // 3 : height // 2, width // 4 : width // 2] = (200, 60, 30)
    return image


def photos(n: int, height: int = 32, width: int = 32) -> list[np.ndarray]:
    return [photo(height, width, seed) for seed in range(n)]


def distance(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Returns how far apart images are, in levels of a pixel."""
    pairs = zip(ones, others, strict=True)
    return float(np.mean([np.abs(a.astype(float) - b).mean() for a, b in pairs]))


@pytest.mark.unit
@pytest.mark.parametrize("kind", PIXEL_KINDS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_image_keeps_size_and_type(kind, severity):
    images = [photo(*size) for size in SIZES]
    before = [image.copy() for image in images]
    found = corrupt(images, kind, severity, np.random.default_rng(0))
    assert [image.shape for image in found] == [(*size, 3) for size in SIZES]
    assert {image.dtype for image in found} == {np.dtype(np.uint8)}
    assert all(image.flags.c_contiguous for image in found)
    assert distance(images, before) == 0.0, "the given images were changed"


@pytest.mark.unit
@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_the_same_seed_gives_the_same_images(kind):
    images = photos(6)
    one, again = (corrupt(images, kind, 2, np.random.default_rng(3)) for _ in range(2))
    assert distance(one, again) == 0.0


@pytest.mark.unit
@pytest.mark.parametrize("kind", PIXEL_KINDS)
@pytest.mark.parametrize("side", [8, 32, 200])
def test_a_greater_severity_changes_more(kind, side):
    images = photos(8, side, side)
    rng = np.random.default_rng(0)
    moved = [distance(images, corrupt(images, kind, severity, rng)) for severity in SEVERITIES]
    assert moved[0] > 0.0
    assert all(low < high for low, high in itertools.pairwise(moved)), moved


@pytest.mark.unit
@pytest.mark.parametrize("kind", PIXEL_KINDS)
def test_gray_images_stay_gray(kind):
    images = [np.repeat(image[..., :1], 3, axis=2) for image in photos(8, 8, 8)]
    for image in corrupt(images, kind, 3, np.random.default_rng(0)):
        assert (image == image[..., :1]).all()


@pytest.mark.unit
def test_light_is_what_the_table_says():
    [image] = photos(1)
    [dark] = corrupt([image], "dark", 2, np.random.default_rng(0))
    [bright] = corrupt([image], "bright", 1, np.random.default_rng(0))
    [flat] = corrupt([image], "contrast", 2, np.random.default_rng(0))
    assert dark.mean() == pytest.approx(0.6 * image.mean(), rel=0.01)
    assert bright.mean() == pytest.approx(image.mean() + 25.5, abs=0.6)
    assert flat.mean() == pytest.approx(image.mean(), abs=0.6)
    assert flat.std(axis=(0, 1)) == pytest.approx(0.5 * image.std(axis=(0, 1)), rel=0.02)


@pytest.mark.unit
def test_noise_has_the_deviation_of_the_table():
    flat = np.full((100, 100, 3), 128, np.uint8)
    flat[..., 0] = 100
    [noisy] = corrupt([flat], "noise", 2, np.random.default_rng(0))
    assert (noisy.astype(float) - flat).std() == pytest.approx(0.08 * 255, rel=0.02)


@pytest.mark.unit
def test_images_are_moved_by_their_share_and_edges_repeated():
    [image] = photos(1, 16, 8)
    [moved] = corrupt([image], "shift", 2, np.random.default_rng(0))
    assert np.array_equal(moved[4:, 2:], image[:-4, :-2])
    assert np.array_equal(moved[0, 0], image[0, 0])
    assert np.array_equal(moved[:4, 2:], np.repeat(image[:1, :-2], 4, axis=0))


@pytest.mark.unit
def test_cropping_enlarges_the_middle():
    image = np.zeros((20, 20, 3), np.uint8)
    image[5:15, 5:15] = 200
    [cropped] = corrupt([image], "crop", 3, np.random.default_rng(0))
    assert (cropped == 200).all()


@pytest.mark.unit
@pytest.mark.parametrize(("severity", "n_changed"), [(1, 10), (2, 20), (3, 40)])
@pytest.mark.parametrize("kind", ["channel_swap", "new_class"])
def test_some_kinds_change_a_share_of_the_window(kind, severity, n_changed):
    images = photos(40)
    found = corrupt(images, kind, severity, np.random.default_rng(0))
    changed = [not np.array_equal(a, b) for a, b in zip(images, found, strict=True)]
    assert sum(changed) == n_changed


@pytest.mark.unit
def test_swapped_channels_are_bgr():
    [image] = photos(1)
    [swapped] = corrupt([image], "channel_swap", 3, np.random.default_rng(0))
    assert np.array_equal(swapped, image[..., ::-1])


@pytest.mark.unit
def test_a_new_thing_is_made_of_four_corners_of_the_window():
    levels = (10, 60, 110, 160, 210)
    images = [np.full((8, 8, 3), level, np.uint8) for level in levels]
    for image in corrupt(images, "new_class", 3, np.random.default_rng(0)):
        corners = [image[:4, :4], image[:4, 4:], image[4:, :4], image[4:, 4:]]
        assert all(len(np.unique(corner)) == 1 for corner in corners)
        found = [int(corner[0, 0, 0]) for corner in corners]
        assert len(set(found)) == 4
        assert set(found) <= set(levels)


@pytest.mark.unit
@pytest.mark.parametrize(("severity", "share"), [(1, 0.28), (2, 0.46), (3, 0.73)])
def test_one_class_comes_more_often(severity, share):
    labels = np.repeat(np.arange(10), 50)
    chosen = shift_classes(labels, severity, 500, np.random.default_rng(0))
    counts = np.bincount(labels[chosen], minlength=10)
    assert len(chosen) == 500
    assert counts.max() / 500 == pytest.approx(share, abs=0.03)
    assert np.sort(counts)[:-1].max() < 1.5 * (1 - strength("class_shift", severity)) * 50


@pytest.mark.unit
@pytest.mark.parametrize("severity", SEVERITIES)
def test_no_image_comes_twice_where_a_class_has_enough(severity):
    labels = ["cat"] * 80 + ["dog"] * 50 + ["fox"] * 70
    rng = np.random.default_rng(0)
    for _ in range(50):
        chosen = shift_classes(labels, severity, 80, rng)
        assert len(set(chosen.tolist())) == 80


@pytest.mark.unit
@pytest.mark.parametrize(
    ("severity", "n_images", "expected"),
    [
        # Of 60 cats, 30 dogs and 10 foxes; at severity 3 of 50, 35 and the usual share of 15.
        (3, 50, ["cat"]),
        (3, 38, ["cat", "dog"]),
        (3, 39, ["cat"]),
        (3, 68, ["cat"]),
        (3, 69, []),
        (1, 20, ["cat", "dog", "fox"]),
        (1, 38, ["cat", "dog"]),
    ],
)
def test_a_class_has_enough_images_for_what_it_has_more_and_its_usual_share(
    severity, n_images, expected
):
    labels = ["cat"] * 60 + ["dog"] * 30 + ["fox"] * 10
    assert classes_to_shift(labels, severity, n_images).tolist() == expected


@pytest.mark.unit
def test_one_class_alone_has_all():
    assert classes_to_shift(["cat"] * 10, 2, 10).tolist() == ["cat"]
    assert classes_to_shift(["cat"] * 10, 2, 11).tolist() == []
    assert len(shift_classes(["cat"] * 10, 2, 25, np.random.default_rng(0))) == 25


@pytest.mark.unit
def test_a_class_that_is_too_small_is_not_drawn_where_others_are_not():
    labels = np.repeat([0, 1, 2], [100, 5, 100])
    rng = np.random.default_rng(0)
    found = {
        int(np.bincount(labels[shift_classes(labels, 3, 60, rng)]).argmax()) for _ in range(40)
    }
    assert found == {0, 2}


@pytest.mark.unit
def test_the_class_is_drawn_anew():
    labels = ["cat"] * 30 + ["dog"] * 30 + ["fox"] * 30
    rng = np.random.default_rng(0)
    drawn = set()
    for _ in range(40):
        names, counts = np.unique(
            [labels[position] for position in shift_classes(labels, 3, 60, rng)],
            return_counts=True,
        )
        drawn.add(str(names[counts.argmax()]))
    assert drawn == {"cat", "dog", "fox"}


@pytest.mark.unit
def test_what_there_is_not_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"no corruption 'fog'; there are blur, noise, dark"):
        corrupt(photos(1), "fog", 1, rng)
    with pytest.raises(ValueError, match="severity is 4, and must be 1, 2 or 3"):
        corrupt(photos(1), "blur", 4, rng)
    with pytest.raises(ValueError, match="choose them with shift_classes"):
        corrupt(photos(1), "class_shift", 1, rng)
    with pytest.raises(ValueError, match="no images to choose from"):
        shift_classes([], 1, 5, rng)
    assert corrupt([], "new_class", 3, rng) == []
