"""Graphs in eight bits: close to torch, smaller, and refused where they are not close."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightread.errors import SightreadError
from sightread.lab.export_parts import export_parts
from sightread.lab.graphs import run_onnx
from sightread.lab.quantise import quantised, require_close_maps, require_close_readings
from sightread.methods.spotter.exported import parts, samples
from sightread.methods.spotter.recipe import SpotterRecipe, build
from sightread.methods.spotter.start import load_weights
from sightread.modelfolder import FIND_GRAPH, STRIP_GRAPH

START = Path(__file__).parents[2] / "configs" / "spotter" / "start"


def test_the_trained_spotter_in_eight_bits_is_close_to_torch() -> None:
    recipe = SpotterRecipe()
    model = build(recipe, 0).eval()
    load_weights(model, START)
    made = export_parts(parts(recipe, model), "int8", lambda _: None)
    assert 0 < made.int8["finder_mean_deviation"] < 0.002
    assert 0.995 < made.int8["strips_min_cosine"] < 1
    # In float32 they have 4.0 and 5.7 MB.
    assert len(made.files[FIND_GRAPH]) < 1_200_000  # type: ignore[arg-type]
    assert len(made.files[STRIP_GRAPH]) < 2_500_000  # type: ignore[arg-type]


def test_the_same_samples_every_time() -> None:
    (pictures, strips), (again, _) = samples(), samples()
    assert all(np.array_equal(a, b) for a, b in zip(pictures, again, strict=True))
    assert len(pictures) == 32
    assert pictures[0].shape == (1, 320, 320, 3)
    assert sum(len(batch) for batch in strips) > 100
    assert {(batch.shape[1], batch.shape[3]) for batch in strips} == {(32, 3)}


def test_weights_keep_seven_bits() -> None:
    """So that sums of two products fit into 16 bits where processors add them up there."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = np.linspace(-1, 1, 2 * 3 * 3 * 3).reshape(2, 3, 3, 3).astype(np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    made = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 6, 6])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    graph = model.SerializeToString()
    inputs = np.random.default_rng(0).random((4, 1, 3, 8, 8)).astype(np.float32)
    small = quantised(graph, list(inputs))
    kept = {one.name: one for one in onnx.load_from_string(small).graph.initializer}
    integers = [
        numpy_helper.to_array(one)
        for one in kept.values()
        if one.data_type == TensorProto.INT8 and len(one.dims) == 4
    ]
    assert len(integers) == 1
    assert 60 <= np.abs(integers[0].astype(int)).max() <= 64
    expected, found = (run_onnx(one, inputs[0])[0] for one in (graph, small))
    assert 0 < np.abs(expected - found).max() < 0.05 * np.abs(expected).max()


def test_what_is_not_close_is_refused() -> None:
    ours = np.zeros((1, 10, 10), np.float32)
    theirs = ours.copy()
    theirs[0, 0, :2] = 0.6  # two of a hundred cells decided otherwise, 0.012 in the mean
    with pytest.raises(SightreadError, match=r"98\.00% .* difference is 0\.012 \(at most 0\.01\)"):
        require_close_maps([ours], [theirs])
    theirs[0, 0, 1] = 0.0
    assert require_close_maps([ours], [theirs]) == pytest.approx(0.006)
    theirs[0, 0, :3] = 0.51
    with pytest.raises(SightreadError, match=r"97\.00% of its cells"):
        require_close_maps([ours], [theirs])
    vectors = np.eye(2, dtype=np.float32)
    logs = np.log(np.full((4, 3), 0.1) + 0.7 * np.eye(3)[[0, 1, 2, 0]]).astype(np.float32)
    assert require_close_readings([vectors, logs], [vectors, logs]) == 1.0
    with pytest.raises(SightreadError, match=r"cosine 0\.9800"):
        require_close_readings([vectors, logs], [0.98 * vectors, logs])
    with pytest.raises(SightreadError, match=r"50\.00% of the columns"):
        require_close_readings([vectors, logs], [vectors, logs[[1, 0, 2, 3]]])
