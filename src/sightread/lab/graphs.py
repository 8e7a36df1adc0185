"""From a torch module to an ONNX graph, and the proof that both compute the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightread.errors import SightreadError
from sightread.lab.recurrent import with_spelled_grus

_TALKATIVE = (
    "torch.onnx._internal.exporter._registration",  # "torchvision is not installed"
    "onnxscript.optimizer._constant_folding",  # what it leaves as it is
)

Arrays = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Parity:
    """How far torch and ONNX Runtime differ: the smallest cosine of two embeddings, and the largest
    difference of any number of theirs or of the text map."""

    min_cosine: float
    max_deviation: float


def to_onnx(
    module: nn.Module,
    example: Tensor,
    name: str,
    outputs: Sequence[str],
    multiples: Mapping[int, int] | None = None,
) -> bytes:
    """The module as one self-contained ONNX file; the first dimension, the batch, stays free.

    Args:
        module: in eval mode, on the CPU; one tensor in, one or several out.
        example: an input, (B, ...) with B > 1.
        name: of the input.
        multiples: further dimensions that stay free -> the number that they are multiples of.

    Raises:
        SightreadError: torch cannot export it, or it has more than 2 GB.
    """
    free: dict[int, Any] = {0: torch.export.Dim("batch")}
    for dimension, multiple in (multiples or {}).items():
        free[dimension] = multiple * torch.export.Dim(f"steps{dimension}", min=1, max=256)
    return _graph(module, (example,), [name], outputs, (free,))


def to_onnx_of_many(
    module: nn.Module, examples: Sequence[Tensor], names: Sequence[str], output: str
) -> bytes:
    """The same of a module with several inputs. Only the first dimension of the first one, the
    batch, stays free.

    Raises:
        SightreadError: as `to_onnx`.
    """
    free: list[dict[int, Any]] = [{} for _ in names]
    free[0] = {0: torch.export.Dim("batch")}
    return _graph(module, tuple(examples), names, [output], tuple(free))


def to_onnx_of_lists(
    module: nn.Module,
    examples: Sequence[Tensor],
    names: Sequence[str],
    outputs: Sequence[str],
    free: Mapping[str, tuple[int, str]],
) -> bytes:
    """The same of a module that takes lists: `free` says for each input that holds one in which
    dimension it is, and a name that those of equal length share. A list has 1 entry at least.

    Raises:
        SightreadError: as `to_onnx`.
    """
    lengths = {name: torch.export.Dim(name, min=1, max=4096) for _, name in free.values()}
    shapes = [{free[name][0]: lengths[free[name][1]]} if name in free else {} for name in names]
    return _graph(with_spelled_grus(module), tuple(examples), names, outputs, tuple(shapes))


def _graph(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    names: Sequence[str],
    outputs: Sequence[str],
    free: tuple[dict[int, Any], ...],
) -> bytes:
    with _quiet_exporter(), torch.no_grad():
        try:
            program = torch.onnx.export(
                module,
                examples,
                dynamo=True,
                dynamic_shapes=free,
                input_names=list(names),
                output_names=list(outputs),
                verbose=False,
            )
            assert program is not None
            graph: Any = program.model_proto
            _forget_sources(graph)
            content: bytes = graph.SerializeToString()
        except Exception as error:  # the exporter raises dozens of kinds
            reason = " ".join(str(error).split())[:300]
            raise SightreadError(f"The {names[0]} tower cannot be exported: {reason}") from error
    return content


def _forget_sources(graph: Any) -> None:
    """Drop the exporter's notes on each node: they hold paths of the machine that made them."""
    parts = [graph.graph, *graph.functions]
    for part in parts:
        for one in (part, *part.node):
            one.ClearField("metadata_props")
            one.ClearField("doc_string")
        for value in (*part.value_info, *getattr(part, "input", []), *getattr(part, "output", [])):
            if hasattr(value, "ClearField"):
                value.ClearField("metadata_props")


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without notes that say nothing about the model."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated", FutureWarning
            )
            # Lists of one length share its name, as they are meant to.
            warnings.filterwarnings("ignore", r"# The axis name: \w+ will not be used", UserWarning)
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def run_torch(module: nn.Module, values: NDArray[Any]) -> Arrays:
    """What the module gives, one example at a time."""
    rows: list[Arrays] = []
    with torch.no_grad():
        for start in range(len(values)):
            out = module(torch.from_numpy(values[start : start + 1]))
            rows.append(
                [one.float().numpy() for one in (out if isinstance(out, tuple) else (out,))]
            )
    return [np.concatenate(parts) for parts in zip(*rows, strict=True)]


def run_onnx(content: bytes, *values: NDArray[Any]) -> Arrays:
    """What ONNX Runtime gives, all examples in one batch; an array for each input."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    outputs: Arrays = session.run(None, dict(zip(names, values, strict=True)))
    return outputs


def require_same_maps(
    expected: Arrays, found: Arrays, most: float = 0.01, name: str = "finder"
) -> float:
    """Compare the maps of torch and ONNX Runtime, or other numbers that are no vectors.

    Returns:
        Their largest difference.

    Raises:
        SightreadError: it is above `most`.
    """
    shapes = [one.shape for one in expected], [one.shape for one in found]
    if shapes[0] != shapes[1]:
        raise SightreadError(f"The exported {name} gives {shapes[1]}, torch {shapes[0]}.")
    deviation = max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True))
    if not deviation <= most:
        raise SightreadError(
            f"The exported {name} computes something else than torch: its numbers differ by "
            f"{deviation:.3g}, at most {most} is allowed."
        )
    return deviation


def require_parity(
    tower: str, expected: Arrays, found: Arrays, *, min_cosine: float = 0.9999
) -> Parity:
    """Compare embeddings, (n, D), and text maps, (n, h, w), of torch with those of ONNX Runtime.

    Raises:
        SightreadError: they differ by too much; the sentence has cosine and deviation.
    """
    if [one.shape for one in expected] != [one.shape for one in found]:
        raise SightreadError(
            f"The exported {tower} tower gives {[one.shape for one in found]}, torch "
            f"{[one.shape for one in expected]}."
        )
    ours, theirs = expected[0].astype(np.float64), found[0].astype(np.float64)
    lengths = np.linalg.norm(ours, axis=1)
    if not np.allclose(lengths, 1.0, atol=1e-3):
        raise SightreadError(
            f"The {tower} tower gives embeddings of length {lengths.min():.4g} to "
            f"{lengths.max():.4g}, but they must have length 1."
        )
    cosines = (ours * theirs).sum(axis=1) / (lengths * np.linalg.norm(theirs, axis=1))
    deviations = [float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)]
    parity = Parity(float(cosines.min()), max(deviations))
    # Cosines say little about the map, so it is held to the deviation that they would allow.
    maps_agree = all(deviation <= 0.01 for deviation in deviations[1:])
    if not (parity.min_cosine >= min_cosine and maps_agree):
        raise SightreadError(
            f"The exported {tower} tower computes something else than torch: smallest cosine "
            f"{parity.min_cosine:.6f} (at least {min_cosine} is needed), largest deviation "
            f"{parity.max_deviation:.3g}."
        )
    return parity
