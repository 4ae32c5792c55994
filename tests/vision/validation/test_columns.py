"""Which properties can be compared."""

from __future__ import annotations

import pandas as pd

from vision.validation.columns import informative_properties, numeric_properties


def test_constants_and_perfect_followers_are_left_out() -> None:
    table = pd.DataFrame(
        {
            "path": list("abcd"),
            "brightness": [0.1, 0.4, 0.2, 0.9],
            "red_mean": [0.2, 0.8, 0.4, 1.8],
            "darkness": [-0.1, -0.4, -0.2, -0.9],
            "contrast": [0.3, 0.1, 0.2, 0.25],
            "aspect": [1.0, 1.0, 1.0, 1.0],
            "sharpness": [float("nan")] * 4,
            "is_near_constant": [False, True, False, False],
        }
    )
    assert numeric_properties(table) == [
        "brightness", "red_mean", "darkness", "contrast", "aspect", "sharpness",
    ]  # fmt: skip
    assert informative_properties(table) == ["brightness", "contrast"]


def test_a_few_huge_images_do_not_tie_area_to_bytes() -> None:
    n = 200
    table = pd.DataFrame(
        {
            "area_px": [1000 + i % 7 for i in range(n - 1)] + [10**7],
            "n_bytes": [800 + i % 11 for i in range(n - 1)] + [10**7],
        }
    )
    assert table.corr().iloc[0, 1] > 0.999
    assert informative_properties(table) == ["area_px", "n_bytes"]
