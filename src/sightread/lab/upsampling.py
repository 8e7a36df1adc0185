"""Maps made twice as large, each cell repeated, by copying bytes: ONNX Runtime's own operation
looks up where each byte comes from and takes several times as long."""

from __future__ import annotations

from sightread.lab.editing import Edited, Step


def copied(graph: bytes) -> bytes:
    """The graph with each `Resize` made of copies.

    Args:
        graph: of eight bits, as `quantise` makes it; it resizes to the nearest cell, twice as wide
            and twice as high.
    """
    edited = Edited(graph)
    edited.put("twice.sides", [1, 2, 2, 1])
    edited.put("twice.rows", [0, 0, 1, -1])
    for node in [one for one in edited.graph.node if one.op_type == "Resize"]:
        (load, *_) = edited.back(node.input[0], "DequantizeLinear")
        store, again = edited.along(node.output[0], "DequantizeLinear")
        made = edited.steps(node.name, _repeated(load.input[0]))
        again.input[0] = made[-1].output[0]
        edited.replace([node, store], made)
    return edited.finished()


def _repeated(source: str) -> list[Step]:
    """(B, C, h, w) -> (B, C, 2 h, 2 w); channels last, whole cells and whole rows are repeated."""
    return [
        ("Transpose", [source], ".last", {"perm": [0, 2, 3, 1]}),
        ("Shape", [".last"], ".shape", {}),
        ("Mul", [".shape", "twice.sides"], ".larger", {}),
        ("Concat", [".last", ".last"], ".cells", {"axis": 3}),
        ("Reshape", [".cells", "twice.rows"], ".row", {}),
        ("Concat", [".row", ".row"], ".rows", {"axis": 2}),
        ("Reshape", [".rows", ".larger"], ".large", {}),
        ("Transpose", [".large"], ".first", {"perm": [0, 3, 1, 2]}),
    ]
