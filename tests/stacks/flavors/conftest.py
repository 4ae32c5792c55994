"""Synthetic image-property tables: properties without images, clean or with a planted fault."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

DEVIATIONS = ("red_deviation", "green_deviation", "blue_deviation")

MakeProperties = Callable[..., pd.DataFrame]


def _make_properties(n: int = 900, seed: int = 0, *, is_gray: bool = False) -> pd.DataFrame:
    """A clean table: three classes, 60 % train, 20 % validation, 20 % test, all drawn alike."""
    rng = np.random.default_rng(seed)
    brightness = np.clip(rng.normal(0.5, 0.1, n), 0, 1)
    spread = 0.0 if is_gray else 0.05
    channels = {
        name: brightness + rng.normal(0, spread, n)
        for name in ("red_mean", "green_mean", "blue_mean")
    }
    contrast = rng.uniform(0.1, 0.3, n)
    splits = np.array(["train", "train", "train", "validation", "test"])
    return pd.DataFrame(
        {
            "path": [f"{'abc'[i % 3]}/{i:05d}.png" for i in range(n)],
            "label": [f"class {'abc'[i % 3]}" for i in range(n)],
            "split": splits[np.arange(n) // 3 % 5],
            "brightness": brightness,
            "contrast": contrast,
            "sharpness": rng.gamma(8, 100, n),
            "saturation": rng.uniform(0.2, 0.6, n),
            **channels,
            **dict.fromkeys(DEVIATIONS, contrast),
            "aspect": 1.0,
            "area_px": 1024,
            "n_bytes": rng.integers(800, 3000, n),
            "entropy": rng.normal(6, 0.3, n),
            "is_near_constant": False,
            "perceptual_hash": "0" * 16,
            "mirrored_hash": "0" * 16,
        }
    )


@pytest.fixture(scope="session")
def make_properties() -> MakeProperties:
    """Makes clean tables; a test plants its fault in one."""
    return _make_properties
