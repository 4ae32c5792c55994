"""Image properties: hand-made images with known values, and order and types of the table."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.corpus import class_folders, encode, picture
from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.errors import DatasetError
from vision.images import decode_image
from vision.properties import COLUMNS, NUMERIC, compute_properties, measure_image


@pytest.fixture
def table(tmp_path: Path, home: Path) -> AnnotationTable:
    root = class_folders(tmp_path / "data", n_per_class=40)
    return load_annotations(DatasetConfig(source="folder", path=str(root)))


def test_one_row_per_image_in_the_order_of_the_table(table: AnnotationTable) -> None:
    properties = compute_properties(table)
    assert tuple(properties.columns) == COLUMNS
    for name in ("path", "label", "split", "n_bytes"):
        assert properties[name].tolist() == table.frame[name].tolist()
    assert np.isfinite(properties[list(NUMERIC)].to_numpy(float)).all()
    assert properties["is_near_constant"].dtype == bool
    for name in ("perceptual_hash", "mirrored_hash"):
        assert set(properties[name].str.len()) == {16}


def test_the_same_images_give_the_same_table(table: AnnotationTable) -> None:
    assert compute_properties(table).equals(compute_properties(table))


def test_values_of_a_red_and_black_image() -> None:
    image = np.zeros((10, 20, 3), np.uint8)
    image[:, :10, 0] = 255
    measured = measure_image(image, n_bytes=77)
    assert measured["brightness"] == pytest.approx(0.149, abs=1e-3)
    assert measured["contrast"] == pytest.approx(0.149, abs=1e-3)
    assert measured["saturation"] == pytest.approx(0.5)
    assert (measured["red_mean"], measured["green_mean"], measured["blue_mean"]) == (0.5, 0, 0)
    deviations = [measured[f"{name}_deviation"] for name in ("red", "green", "blue")]
    assert deviations == [0.5, 0.0, 0.0]
    assert (measured["aspect"], measured["area_px"], measured["n_bytes"]) == (2.0, 200, 77)
    assert measured["entropy"] == pytest.approx(1.0)
    assert measured["is_near_constant"] is False


@pytest.mark.parametrize("size", [(1, 1), (1, 10_000), (64, 64)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_constant_images_have_finite_values(size: tuple[int, int], value: int) -> None:
    measured = measure_image(np.full((*size, 3), value, np.uint8), n_bytes=1)
    assert all(math.isfinite(measured[name]) for name in NUMERIC)
    assert measured["is_near_constant"] is True
    assert (measured["entropy"], measured["sharpness"], measured["contrast"]) == (0, 0, 0)
    assert {measured[f"{name}_deviation"] for name in ("red", "green", "blue")} == {0.0}
    assert measured["brightness"] == pytest.approx(value / 255)


def test_channel_deviations_are_those_of_the_samples() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    measured = measure_image(image, 1)
    deviations = [measured[f"{name}_deviation"] for name in ("red", "green", "blue")]
    assert deviations == pytest.approx((image / 255).std(axis=(0, 1)).tolist(), abs=1e-9)


def test_entropy_of_all_grays_is_eight_bits() -> None:
    image = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    assert measure_image(image, 1)["entropy"] == pytest.approx(8.0)


def test_blur_lowers_sharpness() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(image, (7, 7), 2)
    sharp, soft = (measure_image(each, 1)["sharpness"] for each in (image, blurred))
    assert soft < sharp / 50


def bits_apart(first: str, second: str) -> int:
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_perceptual_hash_survives_recompression_and_tells_pictures_apart() -> None:
    hashes, recompressed = [], []
    for seed in range(20):
        image = picture(seed, (96, 96))
        small = image.resize((48, 48))
        hashes.append(measure_image(np.asarray(image), 1)["perceptual_hash"])
        pixels = decode_image(encode(small, "JPEG", quality=60))
        recompressed.append(measure_image(pixels, 1)["perceptual_hash"])
    same = [bits_apart(a, b) for a, b in zip(hashes, recompressed, strict=True)]
    others = [bits_apart(hashes[i], hashes[j]) for i in range(20) for j in range(i)]
    assert max(same) <= 8
    assert np.median(others) > 20


# Sizes that do not divide by 32 are not shrunk to exactly mirrored pixels.
@pytest.mark.parametrize(("size", "most"), [((32, 32), 0), ((64, 96), 0), ((61, 43), 2)])
def test_mirrored_hash_is_the_hash_of_the_mirror_image(size: tuple[int, int], most: int) -> None:
    for seed in range(20):
        image = np.asarray(picture(seed, size))
        mirror_image = np.ascontiguousarray(image[:, ::-1])
        measured, mirrored = measure_image(image, 1), measure_image(mirror_image, 1)
        assert bits_apart(measured["mirrored_hash"], mirrored["perceptual_hash"]) <= most
        assert bits_apart(measured["perceptual_hash"], mirrored["mirrored_hash"]) <= most
        assert bits_apart(measured["perceptual_hash"], measured["mirrored_hash"]) > 10


def test_image_that_changed_meanwhile_is_named(table: AnnotationTable) -> None:
    (table.root / "cat" / "05.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"cat/05.png changed since the dataset was read"):
        compute_properties(table)
