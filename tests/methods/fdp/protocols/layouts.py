"""Small data sets in the layouts of the public ones, made for the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from tests.pictures import corners, saved


def write(path: Path, content: str | bytes = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def picture(path: Path, kind: str = "JPEG") -> Path:
    """A picture of 96 x 64 px with known corners, whatever its name says."""
    return write(path, saved(corners(), kind))


def cell(*values: object) -> NDArray[np.object_]:
    """A column of MATLAB cells."""
    found = np.empty((len(values), 1), dtype=object)
    found[:, 0] = values
    return found


def iiit_mat(path: Path, queries: Sequence[tuple[object, object]]) -> Path:
    """`data`, a 1 x n struct array; MATLAB wraps each text in a cell of its own."""
    data = np.empty((1, len(queries)), dtype=[("query", object), ("imagelist", object)])
    for at, (text, names) in enumerate(queries):
        data[0, at] = (text, names)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"data": data})
    return path


def polygt_mat(path: Path, words: Sequence[tuple[object, str]]) -> Path:
    """`polygt`: one row of six cells per word, given as (text, orientation)."""
    rows = np.empty((len(words), 6), dtype=object)
    for at, (text, orientation) in enumerate(words):
        x, y = np.array([[10, 60, 60, 10]], np.int16), np.array([[5, 5, 30, 30]], np.int16)
        rows[at] = ["x:", x, "y:", y, text, orientation]
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"polygt": rows})
    return path


def svt_xml(tags: Mapping[str, Sequence[str]]) -> str:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<tagset>"]
    for name, found in tags.items():
        lines += ["  <image>", f"    <imageName>{name}</imageName>"]
        lines += ["    <lex>A,B</lex>", '    <Resolution x="96" y="64"/>', "    <taggedRectangles>"]
        for tag in found:
            lines.append('      <taggedRectangle height="7" width="20" x="3" y="5">')
            lines.append(f"        <tag>{tag}</tag></taggedRectangle>")
        lines += ["    </taggedRectangles>", "  </image>"]
    return "\n".join([*lines, "</tagset>"])
