"""Graphs that are put differently compute what they did."""

from collections import Counter

import numpy as np
import pytest
import torch

from sightread.errors import SightreadError
from sightread.lab.graphs import run_onnx, to_onnx
from sightread.lab.heads import joint_heads
from sightread.lab.quantise import quantised
from sightread.lab.stem import wide_stem, widened
from sightread.lab.upsampling import copied
from sightread.methods.spotter.exported import FinderGraph, KnownPool, StripGraph
from sightread.methods.spotter.model import (
    BinPool,
    Finder,
    SpotterConfig,
    StripEncoder,
    standardised,
)
from sightread.spotting.strips import PER_DEVIATION

TINY = SpotterConfig(
    finder=(4, 4, 8, 8, 8),
    finder_blocks=(0, 0, 1, 1),
    finder_width=8,
    strip=(4, 8, 8),
    sequence=16,
    dim=32,
)


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
    wide = wide_stem(narrow, 1 / 127.5)
    for picture in pictures:
        for ours, theirs in zip(run_onnx(narrow, picture), run_onnx(wide, picture), strict=True):
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).mean() < 0.01 * max(float(np.abs(ours).max()), 1.0)
    # Several pictures at once, of another size.
    other = rng.integers(0, 256, (3, 32, 64, 3), dtype=np.uint8)
    assert run_onnx(wide, other)[0].shape == (3, 16, 32)


def test_another_graph_is_refused(graph: bytes) -> None:
    with pytest.raises(SightreadError, match="is not of eight bits"):
        wide_stem(graph, 1 / 127.5)
    with pytest.raises(SightreadError, match="is not of eight bits"):
        joint_heads(graph)
    with pytest.raises(SightreadError, match="picture is not brought to Conv step by step"):
        wide_stem(_twice_read(graph), 1 / 127.5)


def _twice_read(graph: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(graph)
    model.graph.node.append(onnx.helper.make_node("Identity", ["picture"], ["again"]))
    made: bytes = model.SerializeToString()
    return made


def kinds(graph: bytes) -> Counter[str]:
    import onnx

    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


@pytest.fixture(scope="module")
def small(graph: bytes) -> bytes:
    rng = np.random.default_rng(1)
    return quantised(graph, list(rng.integers(0, 256, (4, 1, 96, 128, 3), dtype=np.uint8)))


# One picture, several, and one that is a single step of the network.
SIZES = ((1, 96, 160), (3, 64, 32), (1, 32, 32))


@pytest.mark.parametrize("size", SIZES)
def test_copied_cells_are_the_same_to_the_bit(small: bytes, size: tuple[int, int, int]) -> None:
    edited = copied(small)
    assert kinds(small)["Resize"] == 3
    assert kinds(edited)["Resize"] == 0
    pictures = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    for ours, theirs in zip(run_onnx(small, pictures), run_onnx(edited, pictures), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("size", SIZES)
def test_joint_heads_give_both_maps(small: bytes, size: tuple[int, int, int]) -> None:
    edited = joint_heads(small)
    assert kinds(edited)["Conv"] == kinds(small)["Conv"] - 1
    pictures = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    (kernel, geometry), (own, other) = run_onnx(small, pictures), run_onnx(edited, pictures)
    assert own.shape == kernel.shape
    assert np.array_equal(own, kernel)
    assert other.shape == geometry.shape
    # Biases are rounded once more: at most the next byte.
    step = np.diff(np.unique(geometry)).min()
    assert np.abs(other - geometry).max() < 1.01 * step
    assert (other == geometry).mean() > 0.9


def test_known_weights_pool_as_computed_ones() -> None:
    pool = BinPool(5)
    known = KnownPool(pool)
    for columns in (8, 12, 33, 64):
        x = torch.randn(2, 7, columns)
        assert torch.allclose(known(x), pool(x), atol=1e-6)


def test_the_graph_of_strips_takes_bytes_and_computes_what_the_encoder_does() -> None:
    torch.manual_seed(1)
    encoder = StripEncoder(TINY).eval()
    for buffer in encoder.buffers():
        if buffer.dtype == torch.float32:
            buffer.uniform_(0.5, 1.5)
    strips = torch.randint(0, 256, (3, 32, 80, 3), dtype=torch.uint8)
    graph = StripGraph(encoder).eval()
    with torch.no_grad():
        expected = encoder(standardised(strips.permute(0, 3, 1, 2)))
        for ours, theirs in zip(graph(strips), expected, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)
    made = to_onnx(graph, strips, "strips", ("embeddings", "logs"), {2: 16})
    assert kinds(made)["BatchNormalization"] == 0
    batches = [strips.numpy(), strips[:, :, :48].numpy()]
    wide = wide_stem(quantised(made, batches, ["strips.characters.weight"]), 1 / PER_DEVIATION)
    for batch in batches:
        vectors, logs = run_onnx(wide, batch)
        exact, columns = run_onnx(made, batch)
        assert logs.shape == columns.shape == (3, batch.shape[2] // 4, columns.shape[2])
        assert (vectors * exact).sum(axis=1).min() > 0.99
