import base64
import itertools
from typing import Any

import cv2
import numpy as np
import pytest

from serving import explain
from serving.explain import ExplanationError, draw_explanation, draw_picture

pytestmark = pytest.mark.unit

KINDS = ("heatmap", "overlay")
FORMATS = ("jpeg", "png")
EVERY_PICTURE = list(itertools.product(KINDS, FORMATS))


def _decode(data: bytes) -> np.ndarray:
    """Returns RGB, or RGBA where the file has an alpha channel."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    code = cv2.COLOR_BGRA2RGBA if found.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(found, code)


def _corner_map(n: int = 7) -> np.ndarray:
    """Hot in the upper left corner and nowhere else."""
    found = np.zeros((n, n), np.float32)
    found[0, 0] = 3.5
    return found


def _photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    small = rng.integers(60, 200, (8, 8, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize(("kind", "picture_format"), EVERY_PICTURE)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (1, 1)),
        ((1, 10_000), (1, 1024)),
        ((10_000, 1), (1024, 1)),
        ((30, 20), (30, 20)),
        ((1024, 700), (1024, 700)),
        ((1500, 1000), (1024, 683)),
        ((1000, 4000), (256, 1024)),
    ],
)
def test_the_picture_has_the_images_size_up_to_1024_pixels(
    size: tuple[int, int], expected: tuple[int, int], kind: Any, picture_format: Any
) -> None:
    found = draw_explanation(_corner_map(), _photo(*size), kind, picture_format)

    assert (found.kind, found.reason) == (kind, None)
    assert found.media_type == f"image/{picture_format}"
    assert (found.height, found.width) == expected
    assert found.data is not None
    assert _decode(base64.b64decode(found.data)).shape[:2] == expected


def test_a_heatmaps_alpha_follows_the_heat() -> None:
    data, media_type = draw_picture(_corner_map(), _photo(224, 224), "heatmap", "png")
    found = _decode(data)

    assert media_type == "image/png"
    assert found.shape == (224, 224, 4)
    assert found[0, 0, 3] == 255
    assert found[112:, 112:, 3].max() == 0
    # The middle of the cell next to the hot one is where the heat has gone.
    assert found[16, 48, 3] < 10 < 200 < found[16, 16, 3]
    # Inferno ends in pale yellow.
    assert found[0, 0, :3].tolist() == [252, 255, 164]


def test_an_overlay_is_the_image_where_it_is_cold_and_80_percent_colour_where_it_is_hot() -> None:
    photo = _photo(224, 224)
    found = _decode(draw_picture(_corner_map(), photo, "overlay", "png")[0]).astype(int)

    assert (found[112:, 112:] == photo[112:, 112:]).all()
    expected = 0.2 * photo[0, 0] + 0.8 * np.array([252, 255, 164])
    assert np.abs(found[0, 0] - expected).max() <= 1


def test_jpeg_and_png_show_the_same_overlay() -> None:
    photo = _photo(224, 224)
    jpeg, png = (_decode(draw_picture(_corner_map(), photo, "overlay", f)[0]) for f in FORMATS)
    assert np.abs(jpeg.astype(int) - png).mean() < 2


@pytest.mark.parametrize("scale", [1e-45, 1e-6, 1.0, 1e38])
def test_only_the_proportions_of_a_map_count(scale: float) -> None:
    expected = draw_picture(_corner_map() / 3.5, _photo(60, 60), "heatmap", "png")
    activation_map = np.float32(scale) * (_corner_map() / np.float32(3.5))
    assert draw_picture(activation_map, _photo(60, 60), "heatmap", "png") == expected


def test_values_below_zero_are_cold() -> None:
    activation_map = np.array([[4.0, -4.0]], np.float32)
    found = _decode(draw_picture(activation_map, _photo(10, 40), "heatmap", "png")[0])
    assert found[5, 0, 3] == 255
    assert found[5, 39, 3] == 0


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_dr04_a_cold_map_is_a_picture_without_heat(value: float) -> None:
    photo = _photo(50, 70)
    activation_map = np.full((4, 4), value, np.float32)

    heatmap = _decode(draw_picture(activation_map, photo, "heatmap", "png")[0])
    overlay = _decode(draw_picture(activation_map, photo, "overlay", "png")[0])

    assert heatmap.shape == (50, 70, 4)
    assert not heatmap[..., 3].any()
    assert (overlay == photo).all()


@pytest.mark.parametrize(
    ("activation_map", "reason"),
    [
        (None, "The model gives no activation map; make a new bundle."),
        (np.zeros((0, 0), np.float32), "has the shape (0, 0)"),
        (np.zeros((3, 0), np.float32), "has the shape (3, 0)"),
        (np.zeros(9, np.float32), "has the shape (9,)"),
        (np.full((3, 3), np.nan, np.float32), "not finite"),
        (np.array([[0, np.inf], [1, 2]], np.float32), "not finite"),
        (np.array([[0, -np.inf], [1, 2]], np.float32), "not finite"),
        (np.array([[np.inf, -np.inf]], np.float32), "not finite"),
    ],
)
@pytest.mark.parametrize(("kind", "picture_format"), EVERY_PICTURE)
def test_dr04_a_map_that_cannot_be_drawn_gives_a_reason(
    activation_map: Any, reason: str, kind: Any, picture_format: Any
) -> None:
    found = draw_explanation(activation_map, _photo(20, 20), kind, picture_format)

    assert (found.data, found.media_type, found.width, found.height) == (None,) * 4
    assert reason in (found.reason or "")
    with pytest.raises(ExplanationError, match="activation map"):
        draw_picture(activation_map, _photo(20, 20), kind, picture_format)


def test_dr04_a_failure_of_opencv_gives_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise cv2.error("planted")

    monkeypatch.setattr(explain, "_encode", fail)
    found = draw_explanation(_corner_map(), _photo(20, 30), "overlay", "png")
    assert found.reason == (
        "The overlay of an image of 20 x 30 pixels could not be drawn; leave 'explain' out."
    )
