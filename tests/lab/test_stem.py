"""The wide first convolution computes what the narrow one does."""

import numpy as np
import pytest
import torch

from sightread.errors import SightreadError
from sightread.lab.graphs import run_onnx, to_onnx
from sightread.lab.quantise import quantised
from sightread.lab.stem import wide_stem, widened
from sightread.methods.spotter.exported import FinderGraph
from sightread.methods.spotter.model import Finder, SpotterConfig

TINY = SpotterConfig(finder=(4, 4, 8, 8, 8), finder_blocks=(0, 0, 1, 1), finder_width=8)


@pytest.fixture(scope="module")
def graph() -> bytes:
    torch.manual_seed(0)
    model = FinderGraph(Finder(TINY)).eval()
    example = torch.zeros(2, 64, 96, 3, dtype=torch.uint8)
    return to_onnx(model, example, "picture", ("kernel", "geometry"), {1: 32, 2: 32})


def test_weights_of_two_pixels_give_what_those_of_one_give() -> None:
    rng = np.random.default_rng(0)
    weights = rng.integers(-64, 64, (5, 3, 3, 3)).astype(np.int8)
    image = torch.from_numpy(rng.integers(-9, 9, (1, 3, 8, 16)).astype(np.float32))
    narrow = torch.nn.functional.conv2d(image, torch.from_numpy(weights).float(), None, 2, 1)
    quads = image.permute(0, 2, 3, 1).reshape(1, 8, 4, 12).permute(0, 3, 1, 2)
    padded = torch.nn.functional.pad(quads, (1, 0, 1, 0))
    wide = torch.nn.functional.conv2d(
        padded, torch.from_numpy(widened(weights)).float(), None, (2, 1)
    )
    apart = wide.permute(0, 2, 3, 1).reshape(1, 4, 8, 5).permute(0, 3, 1, 2)
    assert torch.equal(apart, narrow)


def test_a_finder_computes_the_same_up_to_half_a_grey_level(graph: bytes) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (4, 1, 96, 128, 3), dtype=np.uint8)
    narrow = quantised(graph, list(pictures))
    wide = wide_stem(narrow)
    for picture in pictures:
        for ours, theirs in zip(run_onnx(narrow, picture), run_onnx(wide, picture), strict=True):
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).mean() < 0.01 * max(float(np.abs(ours).max()), 1.0)
    # Several pictures at once, of another size.
    other = rng.integers(0, 256, (3, 32, 64, 3), dtype=np.uint8)
    assert run_onnx(wide, other)[0].shape == (3, 16, 32)


def test_another_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(SightreadError, match="step by step"):
        wide_stem(graph)
