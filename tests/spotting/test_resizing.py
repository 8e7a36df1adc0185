import cv2
import numpy as np
import pytest

from sightread.spotting.resizing import resized


@pytest.mark.parametrize("size", [(640, 480), (960, 720), (224, 168), (1, 1), (2560, 1920)])
def test_a_picture_gets_its_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (961, 1281, 3), dtype=np.uint8)
    assert resized(image, size).shape == (size[1], size[0], 3)


def test_its_own_size_is_itself() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    assert resized(image, (64, 48)) is image


def test_it_looks_like_an_average() -> None:
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (960, 1280, 3), dtype=np.uint8), (0, 0), 6)
    for size in ((960, 720), (640, 480), (448, 336), (224, 168)):
        expected = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(resized(smooth, size).astype(int) - expected).mean() < 1.0
