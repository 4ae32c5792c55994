import cv2
import numpy as np
import pytest

from serving.png import encode_indexed, encode_rgb

pytestmark = pytest.mark.unit


def _decode(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (2, 3), (224, 224)])
def test_rgb_comes_back_as_it_was(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert (_decode(encode_rgb(pixels))[..., ::-1] == pixels).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (64, 48)])
def test_indices_become_their_colours_and_alphas(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 256, (256, 3)).astype(np.uint8)
    alphas = rng.integers(0, 256, 256).astype(np.uint8)
    indices = rng.integers(0, 256, shape).astype(np.uint8)

    found = _decode(encode_indexed(indices, colours, alphas))

    assert found.shape == (*shape, 4)
    assert (found[..., 2::-1] == colours[indices]).all()
    assert (found[..., 3] == alphas[indices]).all()


def test_a_smooth_picture_is_small() -> None:
    ramp = np.broadcast_to(np.arange(224, dtype=np.uint8)[:, None], (224, 224))
    assert len(encode_rgb(np.dstack([ramp] * 3))) < 3_000
