"""A model folder whose graphs are written by hand, so that every vector can be derived on paper.

Picture -> the mean of each colour channel, (B, 3), and a map: the mean of all channels in cells of
4 x 4 px. Text -> the sum of a table's rows, (B, 3): coffee is (1, 0, 0), shop (0, 1, 0), taxi
(0, 0, 1), everything else 0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer as Pieces
from tokenizers import models, pre_tokenizers

from sightread import modelfolder
from sightread.golden import Golden, pack
from sightread.modelfolder import Calibration, ModelInfo, TextMap
from sightread.preprocess import Fit, PreprocessSpec
from sightread.tokenizer import TokenLayout

SIZE_PX = 32
LAYOUT = TokenLayout(context_length=5, start_id=8, end_id=9, pad_id=0)


def spec(fit: Fit = "pad") -> PreprocessSpec:
    """Values stay in [0, 1]."""
    return PreprocessSpec(SIZE_PX, fit, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def image_graph(channels: int = 3) -> bytes:
    nodes = [
        helper.make_node("ReduceMean", ["pixels", "sides"], ["embeddings"], keepdims=0),
        helper.make_node("AveragePool", ["pixels"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("ReduceMean", ["cells", "channel"], ["text_map"], keepdims=0),
    ]
    constants = {"sides": np.array([2, 3]), "channel": np.array([1])}
    pixels = helper.make_tensor_value_info(
        "pixels", TensorProto.FLOAT, ["batch", channels, SIZE_PX, SIZE_PX]
    )
    return _graph(nodes, pixels, {"embeddings": 2, "text_map": 3}, constants)


def text_graph() -> bytes:
    table = np.zeros((10, 3), np.float32)
    table[2:5] = np.eye(3)
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["embeddings"], keepdims=0),
    ]
    constants = {"table": table, "axis": np.array([1])}
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])
    return _graph(nodes, ids, {"embeddings": 2}, constants)


def _graph(
    nodes: list[Any], source: Any, outputs: dict[str, int], constants: dict[str, NDArray[Any]]
) -> bytes:
    """`outputs` are names and how many dimensions they have."""
    graph = helper.make_graph(
        nodes,
        "handmade",
        [source],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * dimensions)
            for name, dimensions in outputs.items()
        ],
        [numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def tokenizer_json() -> bytes:
    vocabulary = {"?": 1, "coffee": 2, "shop": 3, "taxi": 4}
    pieces = Pieces(models.WordLevel(vocabulary, unk_token="?"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return pieces.to_str().encode()


def golden(first: tuple[float, float, float] = (1.0, 0.0, 0.0)) -> Golden:
    """A red picture is (1, 0, 0), and so is coffee."""
    red = np.zeros((1, 20, 20, 3), np.uint8)
    red[..., 0] = 255
    vectors = np.array([first], np.float32)
    return Golden(red, ("coffee",), vectors, np.array([[1, 0, 0]], np.float32))


def make_folder(
    folder: Path,
    *,
    fit: Fit = "pad",
    text_map: bool = True,
    golden_vectors: Golden | None = None,
    files: Mapping[str, bytes] | None = None,
    space: str = "colour",
    calibration: Calibration | None = None,
) -> Path:
    """Write the model folder; `files` replace those of the same name."""
    info = ModelInfo(
        kind="encoder",
        name="handmade",
        space=space,
        dim=3,
        licence="Apache-2.0",
        preprocess=spec(fit),
        tokenizer=LAYOUT,
        text_map=TextMap(8, 8, 0.5) if text_map else None,
        calibration=calibration,
    )
    contents: dict[str, bytes | Path] = {
        "image.onnx": image_graph(),
        "text.onnx": text_graph(),
        "tokenizer.json": tokenizer_json(),
        "golden.npz": pack(golden_vectors or golden()),
        "CARD.md": b"# handmade\n",
    }
    modelfolder.write(folder, info, contents | dict(files or {}))
    return folder
