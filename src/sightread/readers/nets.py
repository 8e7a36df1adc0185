"""Load and run the neural nets that the rapidocr wheel carries, on ONNX Runtime or OpenVINO.

Only the model files of the wheel are used, not its Python code: that code logs, may download, and
keeps state per engine, whereas a net here is a plain function that several threads may call.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError, SightreadError, UsageError

Runtime = Literal["onnxruntime", "openvino"]
Tensor = NDArray[np.float32]


class Net(Protocol):
    """One input tensor, one output tensor; may be called from several threads at once."""

    def __call__(self, tensor: Tensor) -> Tensor: ...


class Graph(Protocol):
    """One input array, several output tensors; may be called from several threads at once."""

    def __call__(self, values: NDArray[Any]) -> list[Tensor]: ...


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A text detector and a line recogniser. The recogniser's file also holds its alphabet."""

    detector: Path
    recogniser: Path

    def sha256(self) -> str:
        """Of both files, one after the other."""
        digest = hashlib.sha256()
        for path in (self.detector, self.recogniser):
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        return digest.hexdigest()


def wheel_models() -> ModelFiles:
    """The PP-OCRv6 small models inside the installed rapidocr package.

    Raises:
        SightreadError: the package, or a model file in it, is missing.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise SightreadError(
            "the package rapidocr is not installed, and with it the reader's models are missing: "
            "run `pip install 'rapidocr>=3.10,<4'`"
        )
    folder = Path(spec.origin).parent / "models"
    files = ModelFiles(folder / "PP-OCRv6_det_small.onnx", folder / "PP-OCRv6_rec_small.onnx")
    for path in (files.detector, files.recogniser):
        if not path.is_file():
            raise SightreadError(
                f"the model file {path} is missing from the installed rapidocr package: "
                "run `pip install --force-reinstall 'rapidocr>=3.10,<4'`"
            )
    return files


def load_net(path: Path, runtime: Runtime = "onnxruntime") -> Net:
    """A net that computes with one thread.

    One thread per picture and one picture per core is faster than many threads per picture.

    Raises:
        UsageError: the runtime is unknown or not installed.
    """
    if runtime == "onnxruntime":
        return _OnnxRuntimeNet(path)
    if runtime == "openvino":
        if importlib.util.find_spec("openvino") is None:
            raise UsageError(
                "the runtime openvino is not installed: run `pip install 'sightread[openvino]'`, "
                "or use the runtime onnxruntime"
            )
        return _OpenVinoNet(path)
    raise UsageError(f"unknown runtime {runtime!r}: choose onnxruntime or openvino")


def load_graph(content: bytes, path: Path) -> Graph:
    """A graph of one input on ONNX Runtime, with one thread. From bytes: what was checked is what
    runs, and it cannot name further files.

    Raises:
        ModelError: the runtime does not take it, or later, cannot run it; `path` is for the
            sentence.
    """
    try:
        session = _session(content)
        (only,) = session.get_inputs()
    except Exception as error:  # the runtime raises many kinds, all derived from Exception
        raise _cannot_run(path, error) from error
    name = only.name

    def graph(values: NDArray[Any]) -> list[Tensor]:
        try:
            outputs: list[Tensor] = session.run(None, {name: values})
        except Exception as error:
            raise _cannot_run(path, error) from error
        return outputs

    return graph


def _cannot_run(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(f"{path} cannot be run by onnxruntime: {reason}")


def load_alphabet(path: Path) -> tuple[str, ...]:
    """The recogniser's classes: "" (the blank of CTC), its characters, and the space."""
    session = _session(path, optimise=False)
    listed = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    return ("", *listed, " ")


def _session(model: Path | bytes, *, optimise: bool = True):  # type: ignore[no-untyped-def]
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: nothing is to be printed on a user's terminal
    # Every picture has its own size: a memory pattern per size would grow without end.
    options.enable_mem_pattern = False
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _OnnxRuntimeNet:
    def __init__(self, path: Path) -> None:
        self._session = _session(path)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, tensor: Tensor) -> Tensor:
        output: Tensor = self._session.run(None, {self._input: tensor})[0]
        return output


class _OpenVinoNet:
    def __init__(self, path: Path) -> None:
        import threading

        import openvino

        core = openvino.Core()
        self._model = core.compile_model(
            str(path), "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
        )
        self._local = threading.local()

    def __call__(self, tensor: Tensor) -> Tensor:
        # An inference request holds the result's memory, so each thread needs its own.
        request = getattr(self._local, "request", None)
        if request is None:
            request = self._local.request = self._model.create_infer_request()
        request.infer([tensor], share_inputs=True)
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)
