"""Near-duplicates: planted copies are found with their notes, and similar images are not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.corpus import encode, picture
from tests.synthetic import make_table
from vision.datasets.digits import digits_folder
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.images.header import read_header
from vision.properties import compute_properties
from vision.validation.near_duplicates import find_near_duplicates
from vision.validation.report import Finding

ACROSS = "near_duplicates_across_splits"
WITHIN = "near_duplicates_within_splits"
CONFLICTING = "conflicting_near_duplicates"


def read_table(root: Path) -> AnnotationTable:
    """Makes a table of ``<split>/<class>/<image>``."""
    rows = []
    for path in sorted(one for one in root.rglob("*") if one.is_file()):
        data = path.read_bytes()
        header = read_header(data)
        split, label, _ = path.relative_to(root).parts
        rows.append(
            {
                "path": path.relative_to(root).as_posix(),
                "sha256": hashlib.sha256(data).hexdigest(),
                "width": header.width,
                "height": header.height,
                "mode": header.mode,
                "n_bytes": len(data),
                "label": label,
                "split": split,
            }
        )
    return AnnotationTable.from_rows(root, rows)


def find(root: Path) -> dict[str, Finding]:
    """Returns the findings of a folder by name, those that must hold for each checked."""
    table = read_table(root)
    findings = find_near_duplicates(table, compute_properties(table))
    for finding in findings:
        assert len(finding.notes) == len(finding.images) == len(set(finding.images))
        assert set(finding.to_leave_out) <= set(finding.images)
    return {finding.check: finding for finding in findings}


def write(root: Path, name: str, data: bytes) -> str:
    """Writes a file and returns its relative path."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return name


SIZE = (48, 40)
N_TRAIN, N_TEST = 60, 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of 60 training and 20 test pictures of 48x40 pixels as PNG, all different."""
    for number in range(N_TRAIN + N_TEST):
        split = "train" if number < N_TRAIN else "test"
        data = encode(picture(number, SIZE), "PNG")
        write(tmp_path, f"{split}/{'cat' if number % 2 else 'dog'}/{number:02d}.png", data)
    return tmp_path


def test_different_pictures_are_silent(root: Path) -> None:
    assert find(root) == {}


def test_a_leaked_copy_is_named_with_what_was_done_to_it(root: Path) -> None:
    copy = encode(picture(61, SIZE), "JPEG", quality=70)
    write(root, "train/cat/leaked.jpg", copy)
    (finding,) = find(root).values()
    assert (finding.check, finding.severity) == (ACROSS, "error")
    assert finding.value == 1 / 20
    assert finding.images == ("test/cat/61.png", "train/cat/leaked.jpg")
    assert finding.surplus == ("train/cat/leaked.jpg",)
    note = "converted copy of test/cat/61.png, pixels differ by 2.6 of 255"
    assert finding.notes[1] == note
    assert finding.message == (
        "1 of 20 held-out images (5.00%) have a near-duplicate in another split, for example "
        "test/cat/61.png (converted copy of train/cat/leaked.jpg, pixels differ by 2.6 of 255); "
        "scores on held-out splits are too good"
    )


def test_few_copies_are_a_warning_across_and_within_limits_inside(root: Path) -> None:
    for number in range(80, 280):
        write(root, f"test/dog/{number}.png", encode(picture(number, SIZE), "PNG"))
    write(root, "train/dog/leaked.jpg", encode(picture(100, SIZE), "JPEG"))
    write(root, "test/dog/again.jpg", encode(picture(120, SIZE), "JPEG"))
    found = find(root)
    assert (found[ACROSS].value, found[ACROSS].severity) == (1 / 221, "warning")
    assert (found[WITHIN].value, found[WITHIN].severity) == (1 / 282, "info")


def test_repeats_within_a_split_leave_the_first(root: Path) -> None:
    first = write(root, "train/cat/01 a.webp", encode(picture(1, SIZE), "WEBP", quality=80))
    second = write(root, "train/cat/01 b.jpg", encode(picture(1, (96, 80)), "JPEG", quality=80))
    (finding,) = find(root).values()
    assert (finding.check, finding.severity, finding.value) == (WITHIN, "warning", 2 / 82)
    assert finding.images == (first, second, "train/cat/01.png")
    assert finding.surplus == (second, "train/cat/01.png")
    assert finding.notes[1].startswith("resized, converted copy of train/cat/01.png, pixels")
    assert finding.message.startswith(
        "2 of 82 images (2.44%) repeat another picture of their split, for example "
        "train/cat/01 a.webp (converted copy of train/cat/01.png"
    )


def test_one_picture_under_two_labels(root: Path) -> None:
    write(root, "train/dog/01.jpg", encode(picture(1, SIZE), "JPEG", quality=70))
    finding = find(root)[CONFLICTING]
    assert (finding.severity, finding.value, finding.surplus) == ("warning", 2.0, None)
    assert finding.images == ("train/cat/01.png", "train/dog/01.jpg")
    assert finding.message.startswith(
        "2 images have a near-duplicate of another label, for example train/cat/01.png, "
        "labelled cat (converted copy of train/dog/01.jpg, pixels differ by "
    )


def test_equal_bytes_are_left_to_other_checks_equal_pixels_are_not(root: Path) -> None:
    shutil.copy(root / "test/cat/61.png", root / "train/cat/same bytes.png")
    assert find(root) == {}
    other_bytes = encode(picture(61, SIZE), "PNG", compress_level=1)
    write(root, "train/cat/same pixels.png", other_bytes)
    finding = find(root)[ACROSS]
    assert finding.images == ("test/cat/61.png", "train/cat/same pixels.png")
    assert finding.notes[1] == ("recompressed copy of test/cat/61.png, pixels differ by 0.0 of 255")


def test_the_copy_in_the_test_split_stays(root: Path) -> None:
    shown = picture(61, SIZE)
    write(root, "validation/cat/b.png", encode(shown, "PNG", compress_level=1))
    write(root, "train/cat/a.jpg", encode(shown, "JPEG"))
    write(root, "validation/dog/c.png", encode(picture(30, SIZE), "PNG", compress_level=1))
    finding = find(root)[ACROSS]
    assert finding.value == 3 / 22
    assert finding.surplus == ("train/cat/a.jpg", "validation/cat/b.png", "train/dog/30.png")


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "jpeg": lambda image: encode(image, "JPEG", quality=30),
    "webp": lambda image: encode(image, "WEBP", quality=75),
    "halved": lambda image: encode(image.resize((24, 20)), "PNG"),
    "tripled": lambda image: encode(image.resize((144, 120)), "PNG"),
    "mirrored": lambda image: encode(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "PNG"),
    "converted": lambda image: encode(image, "BMP"),
    "all": lambda image: encode(
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((29, 24)), "JPEG", quality=50
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_kind_of_copy_is_found(root: Path, kind: str) -> None:
    expected = set()
    for number in range(N_TRAIN, N_TRAIN + N_TEST):
        label = "cat" if number % 2 else "dog"
        data = CHANGES[kind](picture(number, SIZE))
        write(root, f"train/{label}/{number} copy.{kind}", data)
        expected |= {f"train/{label}/{number} copy.{kind}", f"test/{label}/{number}.png"}
    (finding,) = find(root).values()
    assert set(finding.images) == expected
    assert finding.value == 1.0
    is_mirrored = ["mirrored" in note.split(" copy of ")[0] for note in finding.notes]
    assert set(is_mirrored) == {kind in ("mirrored", "all")}


def test_noise_over_flat_colours_is_silent(tmp_path: Path) -> None:
    table = make_table(tmp_path, n_per_class=60)
    assert find_near_duplicates(table, compute_properties(table)) == []


@pytest.mark.slow
def test_scans_of_the_same_digit_are_different_pictures(home: Path, tmp_path: Path) -> None:
    for path in digits_folder().rglob("*.png"):
        split = "test" if int(path.stem) % 5 == 0 else "train"
        write(tmp_path / "data", f"{split}/{path.parent.name}/{path.name}", path.read_bytes())
    assert find(tmp_path / "data") == {}


def test_images_of_one_colour_are_left_to_their_own_check(root: Path) -> None:
    for split in ("train", "test"):
        for value in range(100, 110):
            flat = Image.new("RGB", SIZE, (value, value, value))
            data = encode(flat, "PNG", compress_level=len(split))
            write(root, f"{split}/cat/flat {value}.png", data)
    assert find(root) == {}


@pytest.mark.parametrize("splits", [(), ("train",), ("test",)])
def test_nothing_to_compare(tmp_path: Path, splits: tuple[str, ...]) -> None:
    for split in splits:
        write(tmp_path, f"{split}/cat/0.png", encode(picture(), "PNG"))
    assert find(tmp_path) == {}


@pytest.mark.slow
def test_a_form_scanned_a_thousand_times_is_one_group(root: Path) -> None:
    form = Image.new("L", (64, 80), 240)
    ImageDraw.Draw(form).rectangle((8, 10, 50, 30), fill=20)
    rng = np.random.default_rng(0)
    for number in range(1000):
        noise = rng.normal(0, 2, (80, 64))
        scan = np.clip(np.asarray(form) + noise, 0, 255).astype(np.uint8)
        write(root, f"train/dog/scan {number:04d}.png", encode(Image.fromarray(scan), "PNG"))
    (finding,) = find(root).values()
    assert finding.check == WITHIN
    assert finding.value == 999 / 1080
    assert finding.n_images == 1000


def test_image_that_vanished_is_named(root: Path) -> None:
    write(root, "train/cat/leaked.jpg", encode(picture(61, SIZE), "JPEG", quality=70))
    table = read_table(root)
    properties = compute_properties(table)
    (root / "test/cat/61.png").unlink()
    with pytest.raises(
        DatasetError,
        match=r"test/cat/61\.png cannot be read \(No such file or directory\): it was there when "
        r"the annotation table was made; restore it, or run again so that the table is made anew",
    ):
        find_near_duplicates(table, properties)


def test_image_that_changed_is_named(root: Path) -> None:
    write(root, "train/cat/leaked.jpg", encode(picture(61, SIZE), "JPEG", quality=70))
    table = read_table(root)
    properties = compute_properties(table)
    (root / "test/cat/61.png").write_bytes(b"not an image")
    with pytest.raises(DatasetError, match=r"test/cat/61\.png changed since the dataset was read"):
        find_near_duplicates(table, properties)
