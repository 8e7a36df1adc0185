"""An ONNX graph of eight bits that is edited: what a compiler for it would do.

ONNX Runtime computes convolutions of bytes quickly and much else slowly. What costs more than it
should is put differently here, with the same result: `stem`, `upsampling` and `heads`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError

Step = tuple[str, list[str], str, dict[str, Any]]
"""Of an edit: operation, inputs, result and attributes."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of a convolution.

    Attributes:
        values: (C, into, height, width) int8.
        scales: (C,): a value stands for so many times itself.
        biases: (C,) of the result.
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]
    biases: NDArray[np.float64]


class Edited:
    """A graph, who reads and who makes each value, as they were at first, and constants that are
    put into it."""

    def __init__(self, graph: bytes) -> None:
        import onnx

        self.model = onnx.load_from_string(graph)
        self.graph: Any = self.model.graph
        self.readers: dict[str, list[Any]] = defaultdict(list)
        self.made_by: dict[str, Any] = {}
        for node in self.graph.node:
            for name in node.input:
                self.readers[name].append(node)
            for name in node.output:
                self.made_by[name] = node

    def along(self, name: str, end: str) -> list[Any]:
        """The nodes that read a value one after the other, up to one of type `end`. Who asks for
        its shape does not read it.

        Raises:
            SightreadError: several nodes read it.
        """
        found: list[Any] = []
        while not found or found[-1].op_type != end:
            readers = [node for node in self.readers[name] if node.op_type != "Shape"]
            if len(readers) != 1:
                raise SightreadError(f"{name} is not brought to {end} step by step.")
            found.append(readers[0])
            name = readers[0].output[0]
        return found

    def back(self, name: str, end: str) -> list[Any]:
        """The nodes that make a value of their first inputs, from the last one back to one of
        type `end`.

        Raises:
            SightreadError: there is none.
        """
        found: list[Any] = []
        while not found or found[-1].op_type != end:
            if name not in self.made_by:
                raise SightreadError(f"{name} does not come from {end}.")
            found.append(self.made_by[name])
            name = found[-1].input[0]
        return found

    def array(self, name: str) -> NDArray[Any]:
        from onnx import numpy_helper

        (found,) = (one for one in self.graph.initializer if one.name == name)
        return np.asarray(numpy_helper.to_array(found))

    def put(self, name: str, values: Any) -> str:
        """A constant; lists of numbers are whole ones."""
        from onnx import numpy_helper

        if isinstance(values, list):
            values = np.array(values, np.int64)
        self.graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def weights(self, conv: Any) -> Weights:
        """Of a convolution of eight bits, with or without biases.

        Raises:
            SightreadError: it is not of eight bits.
        """
        if conv.input[1] not in self.made_by:
            raise SightreadError(f"The convolution {conv.name} is not of eight bits.")
        values, scales, *_ = (self.array(name) for name in self.made_by[conv.input[1]].input)
        biases = np.zeros(len(values))
        for name in conv.input[2:]:
            whole, units, *_ = (self.array(one) for one in self.made_by[name].input)
            biases = biases + whole * units.astype(np.float64)
        return Weights(values, scales, biases)

    def convolution(
        self, source: str, result: str, weights: Weights, unit: float, window: dict[str, list[int]]
    ) -> list[Any]:
        """Nodes that make `result` of `source`, bytes taken to floats of which one step is `unit`.

        Args:
            window: sides of the window and so on, as ONNX names them.
        """
        from onnx import helper

        units = (weights.scales * np.float32(unit)).astype(np.float32)
        whole = np.rint(weights.biases / units).astype(np.int32)
        nodes, names = [], []
        for kind, values, scales in (
            ("weights", weights.values, weights.scales),
            ("biases", whole, units),
        ):
            parts = {
                "values": values,
                "scales": scales,
                "zeros": np.zeros(len(values), values.dtype),
            }
            inputs = [self.put(f"{result}.{kind}.{part}", one) for part, one in parts.items()]
            names.append(f"{result}.{kind}")
            nodes.append(helper.make_node("DequantizeLinear", inputs, names[-1:], axis=0))
        return [*nodes, helper.make_node("Conv", [source, *names], [result], **window)]

    def steps(self, prefix: str, steps: Sequence[Step]) -> list[Any]:
        """Nodes; names that begin with a point have the prefix before it."""
        from onnx import helper

        def full(name: str) -> str:
            return prefix + name if name.startswith(".") else name

        return [
            helper.make_node(kind, [full(name) for name in inputs], [full(result)], **options)
            for kind, inputs, result, options in steps
        ]

    def replace(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Put nodes where others end."""
        nodes = self.graph.node
        at = max(number for number, node in enumerate(nodes) if node in old) + 1
        for number, node in enumerate(new, at):
            nodes.insert(number, node)
        for node in old:
            nodes.remove(node)

    def finished(self) -> bytes:
        """The graph without nodes and constants that nobody reads any more."""
        ends = {one.name for one in self.graph.output}
        while True:
            read = {name for node in self.graph.node for name in node.input} | ends
            idle = [node for node in self.graph.node if read.isdisjoint(node.output)]
            if not idle:
                break
            for node in idle:
                self.graph.node.remove(node)
        for one in [one for one in self.graph.initializer if one.name not in read]:
            self.graph.initializer.remove(one)
        del self.graph.value_info[:]
        made: bytes = self.model.SerializeToString()
        return made
