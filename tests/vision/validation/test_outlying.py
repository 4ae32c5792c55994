"""Outlying images: planted ones are all found and nothing else, several populations are usual."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

from tests.corpus import class_folders, picture
from tests.synthetic import make_table
from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.properties import NUMERIC, compute_properties
from vision.validation.outlying import outlying_images
from vision.validation.report import Finding

EMPTY = AnnotationTable.from_rows(Path("/data"), [])


def measured(n: int = 2000, seed: int = 0, **columns: object) -> pd.DataFrame:
    """Returns properties of photographs of one size; ``columns`` replace some of them."""
    rng = np.random.default_rng(seed)
    gray = np.clip(rng.normal(0.5, 0.12, n), 0, 1)
    table = {
        "path": [f"{number:05d}.png" for number in range(n)],
        "brightness": gray,
        "contrast": rng.uniform(0.1, 0.3, n),
        "sharpness": rng.gamma(8, 100, n),
        "saturation": rng.uniform(0.2, 0.6, n),
        **{name: gray for name in NUMERIC if name.endswith("_mean")},
        **{name: 0.2 for name in NUMERIC if name.endswith("_deviation")},
        "aspect": 1.0,
        "area_px": 1024,
        "n_bytes": np.round(np.exp(rng.normal(7, 0.4, n))),
        "entropy": rng.normal(6, 0.3, n),
        "is_near_constant": False,
        **columns,
    }
    return pd.DataFrame(table)


def find(properties: pd.DataFrame) -> list[Finding]:
    """Runs the check; the table itself is not looked at."""
    return outlying_images(EMPTY, properties)


def planted(column: str, rows: npt.NDArray[np.int64], value: float, n: int = 2000) -> pd.DataFrame:
    properties = measured(n).astype({column: float})
    properties.loc[rows, column] = value
    return properties


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [0, 1, 49, 50, 100, 2000, 10_000])
def test_photographs_of_one_size_are_usual(n: int, seed: int) -> None:
    assert find(measured(n, seed)) == []


@pytest.mark.parametrize(
    ("column", "value", "note"),
    [
        ("area_px", 4096, "area_px 4,096, usually 1,024"),
        ("aspect", 0.25, "aspect 0.25, usually 1"),
        ("brightness", 1.5, "brightness 1.5, usually 0.212 to 0.773"),
        ("sharpness", 0.5, "sharpness 0.5, usually 289 to 1,604"),
        ("n_bytes", 60_000, "n_bytes 60,000, usually 420 to 2,816"),
    ],
)
def test_one_odd_image_is_named_with_the_usual_range(column: str, value: float, note: str) -> None:
    (finding,) = find(planted(column, np.array([1234]), value))
    assert (finding.check, finding.severity, finding.value) == ("outlying_images", "warning", 1.0)
    assert finding.images == ("01234.png",)
    assert finding.notes == (note,)
    assert finding.message == (
        f"1 of 2,000 images are far outside the usual, for example 01234.png: {note}"
    )


def test_too_few_images_to_say_what_is_usual() -> None:
    assert find(planted("area_px", np.array([3]), 4096, n=49)) == []
    assert len(find(planted("area_px", np.array([3]), 4096, n=50))) == 1


def test_a_block_of_equal_outliers_is_found_whole() -> None:
    rows = np.arange(500, 520)
    (finding,) = find(planted("area_px", rows, 4096))
    assert finding.images == tuple(f"{row:05d}.png" for row in rows)


@pytest.mark.parametrize("value", [256, 4096, 4_000_000])
def test_what_more_than_one_percent_share_is_usual(value: int) -> None:
    assert find(planted("area_px", np.arange(21), value)) == []


def test_resolutions_of_several_cameras_are_usual_and_a_poster_is_not() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([640 * 480, 1280 * 720, 1920 * 1080, 4032 * 3024, 6000 * 4000])
    areas = rng.choice(sizes, 2000, p=[0.5, 0.3, 0.1, 0.08, 0.02])
    aspects = rng.choice([4 / 3, 3 / 4, 16 / 9], 2000, p=[0.7, 0.28, 0.02])
    properties = measured(area_px=areas, aspect=aspects)
    assert find(properties) == []
    properties.loc[7, "aspect"] = 40.0
    (finding,) = find(properties)
    assert finding.images == ("00007.png",)


@pytest.mark.parametrize(
    ("column", "value", "is_far"),
    [
        ("area_px", 1023, False),
        ("area_px", 900, True),
        ("saturation", 0.01, False),
        ("saturation", 0.3, True),
    ],
)
def test_among_equal_values_a_visible_difference_is_far(
    column: str, value: float, is_far: bool
) -> None:
    properties = measured(saturation=0.0).astype({column: float})
    properties.loc[3, column] = value
    assert [finding.images for finding in find(properties)] == ([("00003.png",)] if is_far else [])


def test_of_flat_images_only_the_size_is_judged() -> None:
    properties = measured(n=200)
    looks = {"contrast": 0.0, "sharpness": 0.0, "entropy": 0.0, "brightness": 9.0}
    properties.loc[[5, 6], list(looks)] = list(looks.values())
    properties.loc[[5, 6], "is_near_constant"] = True
    properties.loc[6, "area_px"] = 64
    (finding,) = find(properties)
    assert finding.images == ("00006.png",)
    assert finding.notes == ("area_px 64, usually 1,024",)


def test_the_order_of_images_does_not_matter() -> None:
    properties = planted("aspect", np.array([3, 900]), 0.1)
    shuffled = properties.sample(frac=1, random_state=0)
    (one,), (other,) = find(properties), find(shuffled)
    assert set(one.images) == set(other.images) == {"00003.png", "00900.png"}


@pytest.mark.parametrize("make", [class_folders, None])
def test_small_datasets_of_real_files_are_silent(
    tmp_path: Path, home: Path, make: Callable[..., Path] | None
) -> None:
    if make is None:
        table = make_table(tmp_path / "data", n_per_class=40)
    else:
        root = make(tmp_path / "data", n_per_class=40)
        table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    assert outlying_images(table, compute_properties(table)) == []


def test_images_of_other_sizes_are_found_in_files(tmp_path: Path, home: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=60)
    for number, size in enumerate([(96, 80), (6, 5)]):
        picture(900 + number, size).save(root / "dog" / f"odd {number}.png")
    Image.new("RGB", (24, 20), (9, 9, 9)).save(root / "dog" / "flat.png")
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    (finding,) = outlying_images(table, compute_properties(table))
    assert finding.images == ("dog/odd 0.png", "dog/odd 1.png")
    assert finding.notes[0].startswith("area_px 7,680, usually 480; ")
    assert finding.notes[1].startswith("area_px 30, usually 480; ")
