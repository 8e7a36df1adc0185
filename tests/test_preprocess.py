"""Preprocessing against its definition, written out slowly in numpy."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sightread.errors import ModelError
from sightread.preprocess import (
    Fit,
    PreprocessSpec,
    fit_square,
    preprocess,
    to_input,
    to_picture,
)

Image = NDArray[np.uint8]
FITS: tuple[Fit, ...] = ("pad", "crop", "squash")


def cubic(x: float) -> float:
    """Keys' kernel with a = -0.5, the bicubic of Pillow."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    if x < 2:
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return 0.0


def resize_rows(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Resize the first axis; when it shrinks the kernel widens, so that nothing is skipped."""
    scale = len(values) / length
    widen = max(scale, 1.0)
    out = np.zeros((length, *values.shape[1:]))
    for i in range(length):
        centre = (i + 0.5) * scale
        weights = np.array([cubic((j + 0.5 - centre) / widen) for j in range(len(values))])
        out[i] = np.tensordot(weights / weights.sum(), values, axes=1)
    return out


def resize(image: NDArray[Any], width: int, height: int) -> NDArray[np.float64]:
    """First across, then down, with 8 bits in between."""
    across = resize_rows(image.astype(np.float64).swapaxes(0, 1), width).swapaxes(0, 1)
    return resize_rows(np.clip(np.rint(across), 0, 255), height)


def oracle(image: Image, spec: PreprocessSpec) -> NDArray[np.float64]:
    height, width = image.shape[:2]
    size = spec.size_px
    if spec.fit == "pad":
        if height > width:  # the longer side first
            return oracle(image.swapaxes(0, 1), spec).swapaxes(0, 1)
        side = max(height, width)
        square = np.zeros((side, side, 3))
        square[:height, :width] = image
        return resize(square, size, size)
    if spec.fit == "squash":
        return resize(image, size, size)
    wide = size if width <= height else int(size * width / height)
    high = size if height <= width else int(size * height / width)
    whole = resize(image, wide, high)
    left, top = round((wide - size) / 2), round((high - size) / 2)
    return whole[top : top + size, left : left + size]


def picture(height: int, width: int, seed: int = 0) -> Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return values.astype(np.uint8)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (13, 29), (29, 13), (16, 16), (1, 40), (40, 1), (70, 33)]
)
def test_equals_its_definition(fit: Fit, height: int, width: int) -> None:
    spec = PreprocessSpec(16, fit)
    image = picture(height, width)
    expected = np.clip(oracle(image, spec), 0, 255)
    # Half a level for rounding, and a little for Pillow's fixed-point weights.
    assert np.abs(fit_square(image, spec) - expected).max() <= 0.51


def test_values_and_layout() -> None:
    """Grey 51 is 0.2: (0.2 - 0.5) / 0.25 = -1.2; the padding is black: (0 - 0.5) / 0.25 = -2."""
    spec = PreprocessSpec(4, "pad", (0.5, 0.0, 0.0), (0.25, 1.0, 1.0))
    image = np.full((2, 4, 3), 51, np.uint8)
    image[..., 1] = 255
    result = preprocess(image, spec)
    assert (result.shape, result.dtype.name) == ((3, 4, 4), "float32")
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result[0], [[-1.2] * 4] * 2 + [[-2.0] * 4] * 2, atol=1e-6)
    np.testing.assert_allclose(result[1], [[1.0] * 4] * 2 + [[0.0] * 4] * 2, atol=1e-6)


def test_the_defaults_are_those_of_clip() -> None:
    spec = PreprocessSpec(2)
    white = preprocess(np.full((2, 2, 3), 255, np.uint8), spec)
    # (1 - mean) / std, the largest values that CLIP ever sees: 1.93, 2.07, 2.15.
    np.testing.assert_allclose(white[:, 0, 0], [1.9303, 2.0749, 2.1459], atol=1e-4)


def test_read_only_and_strided_pictures_are_taken() -> None:
    image = picture(20, 30)[::-1, ::2]
    image.flags.writeable = False
    expected = preprocess(np.ascontiguousarray(image), PreprocessSpec(8))
    np.testing.assert_array_equal(preprocess(image, PreprocessSpec(8)), expected)


@pytest.mark.parametrize("fit", FITS)
def test_a_ribbon_needs_little_memory(fit: Fit) -> None:
    # Its square would take 120 GB.
    ribbon = np.full((1, 200_000, 3), 200, np.uint8)
    square = fit_square(ribbon, PreprocessSpec(16, fit))
    assert square.shape == (16, 16, 3)
    if fit != "pad":
        assert (square == 200).all()


def test_turning_a_picture_turns_its_input() -> None:
    image, spec = picture(13, 29), PreprocessSpec(16)
    turned = fit_square(np.ascontiguousarray(image.swapaxes(0, 1)), spec)
    np.testing.assert_array_equal(turned, fit_square(image, spec).swapaxes(0, 1))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("height", "width"), [(60, 90), (90, 60), (64, 64)])
def test_a_mark_is_found_where_to_input_says(fit: Fit, height: int, width: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    image[28:36, 40:48] = 255  # centre (44, 32)
    spec = PreprocessSpec(48, fit)
    square = fit_square(image, spec)[..., 0].astype(np.float64)
    rows, columns = np.mgrid[:48, :48] + 0.5
    centre = [(square * columns).sum() / square.sum(), (square * rows).sum() / square.sum()]
    expected = to_input(np.array([44.0, 32.0]), width, height, spec)
    np.testing.assert_allclose(centre, expected, atol=0.05)


def test_mapping_by_hand() -> None:
    corner = np.array([[0.0, 0.0], [200.0, 100.0]])
    pad, crop, squash = (to_input(corner, 200, 100, PreprocessSpec(50, fit)) for fit in FITS)
    assert pad.tolist() == [[0, 0], [50, 25]]
    assert crop.tolist() == [[-25, 0], [75, 50]]  # 100 x 50, its middle 50 columns kept
    assert squash.tolist() == [[0, 0], [50, 50]]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(FITS), st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 700),
    st.floats(-10, 6000), st.floats(-10, 6000),
)  # fmt: skip
def test_there_and_back(fit: Fit, width: int, height: int, size: int, x: float, y: float) -> None:
    spec = PreprocessSpec(size, fit)
    there = to_input(np.array([x, y]), width, height, spec)
    np.testing.assert_allclose(to_picture(there, width, height, spec), [x, y], atol=1e-6)


@pytest.mark.parametrize("fit", FITS)
def test_json_round_trip(fit: Fit) -> None:
    spec = PreprocessSpec(640, fit, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))
    assert PreprocessSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size_px": 0}, "1 to 4096"),
        ({"size_px": 64.5}, "whole number"),
        ({"size_px": True}, "whole number"),
        ({"fit": "stretch"}, "'stretch', but must be one of pad, crop, squash"),
        ({"fit": ["pad"]}, "one of pad, crop, squash"),
        ({"mean": [0.5, 0.5]}, "a list of 3: a number"),
        ({"mean": ["a", 0, 0]}, "a list of 3: a number"),
        ({"std": [1.0, 0.0, 1.0]}, "above 0"),
        ({"std": [1.0, float("nan"), 1.0]}, "a list of 3: a number"),
        ({"extra": 1}, "extra is unknown"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(change: dict[str, Any], said: str) -> None:
    data = PreprocessSpec(8).to_json() | change
    with pytest.raises(ModelError, match=said):
        PreprocessSpec.from_json(data)
