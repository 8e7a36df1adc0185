"""The graphs of a word spotter: its finder, its strip encoder and its query tower."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from sightread import modelfolder
from sightread.lab.graphs import (
    Arrays,
    Parity,
    require_parity,
    require_same_maps,
    run_onnx,
    run_torch,
    to_onnx,
)
from sightread.lab.heads import joint_heads
from sightread.lab.quantise import quantised, require_close_maps, require_close_readings
from sightread.lab.stem import wide_stem
from sightread.lab.upsampling import copied
from sightread.methods.method import Parts
from sightread.spotting.alphabet import READ, query_ids
from sightread.spotting.golden import SpotterGolden, pack
from sightread.spotting.places import around
from sightread.spotting.strips import MIDDLE, PER_DEVIATION, WIDTHS_PX, as_input, cut_strip
from sightread.synth.simple import render_words
from sightread.types import RGBImage

WORDS = ("coffee", "shop", "taxi", "the", "2024", "hotel")
"""Written in the golden picture, and the golden words. They are not of any benchmark."""
DETAILS = {"read": READ, "strips": [MIDDLE, PER_DEVIATION]}
"""What a reader must know besides `model.json`'s own fields: the classes of a reading, and what the
bytes of a strip stand for."""

_PICTURE_PX = (256, 192)
_GOLDEN_WIDTH_PX = 96


Precision = Literal["float32", "int8"]


@dataclass(frozen=True, slots=True)
class PartsExported:
    """Files of the folder, and how closely the graphs follow torch: in float32 and, if the folder
    has them in eight bits, `int8`."""

    files: dict[str, bytes | Path]
    finder: Parity
    strips: Parity
    text: Parity
    int8: dict[str, float]

    def provenance(self) -> dict[str, object]:
        """For `model.json`."""
        names = ("finder", "strips", "text")
        parity = {name: asdict(getattr(self, name)) for name in names}
        return {"parity": parity, **({"int8": self.int8} if self.int8 else {})}


def export_parts(parts: Parts, precision: Precision, tell: Callable[[str], None]) -> PartsExported:
    """Make and check the graphs.

    Args:
        precision: of the convolutions of finder and strip encoder.

    Raises:
        SightreadError: the graphs and torch disagree.
    """
    picture, strips = golden_picture()
    tell("Exporting the finder.")
    find_graph, kernel, deviation = _export_finder(parts, picture)
    tell("Exporting the strip encoder.")
    strip_graph = to_onnx(
        parts.strips,
        torch.zeros((2, 32, 64, 3), dtype=torch.uint8),
        "strips",
        ("embeddings", "logs"),
        {2: 16},
    )
    strip_vectors, strip_parity = _check_strips(parts, strip_graph, strips)
    tell("Exporting the query tower.")
    ids = np.concatenate([query_ids(WORDS), _random_ids()])
    text_graph = to_onnx(parts.text, torch.from_numpy(ids[:2]), "ids", ("embeddings",))
    texts = run_torch(parts.text, ids)
    text_parity = require_parity("query", texts, run_onnx(text_graph, ids))
    closeness: dict[str, float] = {}
    if precision == "int8":
        tell("Finding the ranges of values for eight bits.")
        find_graph, strip_graph, closeness = _in_eight_bits(parts, find_graph, strip_graph)
        kernel = run_onnx(find_graph, picture[None])[0][0]
        strip_vectors = run_onnx(strip_graph, as_input(strips))[0]
    words = np.asarray(WORDS, np.str_)
    golden = SpotterGolden(
        picture, kernel, np.stack(strips), strip_vectors, words, texts[0][: len(WORDS)]
    )
    files: dict[str, bytes | Path] = {
        modelfolder.FIND_GRAPH: find_graph,
        modelfolder.STRIP_GRAPH: strip_graph,
        modelfolder.TEXT_GRAPH: text_graph,
        modelfolder.GOLDEN: pack(golden),
    }
    return PartsExported(files, Parity(1.0, deviation), strip_parity, text_parity, closeness)


def _export_finder(parts: Parts, picture: RGBImage) -> tuple[bytes, NDArray[np.float32], float]:
    example = torch.from_numpy(np.stack([picture[:96, :128]] * 2))
    graph = to_onnx(parts.finder, example, "picture", ("kernel", "geometry"), {1: 32, 2: 32})
    noise = np.random.default_rng(0).integers(0, 256, (2, 96, 160, 3), dtype=np.uint8)
    deviation = 0.0
    for pictures in (noise, picture[None]):
        expected = run_torch(parts.finder, pictures)
        deviation = max(deviation, require_same_maps(expected, run_onnx(graph, pictures)))
    return graph, expected[0][0], deviation


def _check_strips(
    parts: Parts, graph: bytes, strips: list[RGBImage]
) -> tuple[NDArray[np.float32], Parity]:
    """Noise of every width, then the golden strips, whose vectors are returned."""
    random = np.random.default_rng(0)
    found: list[Parity] = []
    inputs = [random.integers(0, 256, (2, 32, w, 3), dtype=np.uint8) for w in WIDTHS_PX]
    for values in (*inputs, as_input(strips)):
        expected = run_torch(parts.strips, values)
        found.append(require_parity("strip", expected, run_onnx(graph, values)))
    least = min(one.min_cosine for one in found)
    return expected[0], Parity(least, max(one.max_deviation for one in found))


def _in_eight_bits(
    parts: Parts, find_graph: bytes, strip_graph: bytes
) -> tuple[bytes, bytes, dict[str, float]]:
    """Both graphs, and how close they are to torch on every second sample; the others gave the
    ranges."""
    pictures, strips = parts.samples()
    find_graph = wide_stem(quantised(find_graph, pictures[::2]), 1 / 127.5)
    find_graph = joint_heads(copied(find_graph))
    strip_graph = quantised(
        strip_graph, [batch[::2] for batch in strips], ["strips.characters.weight"]
    )
    strip_graph = wide_stem(strip_graph, 1 / PER_DEVIATION)
    maps = [
        (run_torch(parts.finder, one)[:1], run_onnx(find_graph, one)[:1]) for one in pictures[1::2]
    ]
    read = [
        (run_torch(parts.strips, batch[1::2]), run_onnx(strip_graph, batch[1::2]))
        for batch in strips
        if len(batch) > 1
    ]
    return (
        find_graph,
        strip_graph,
        {
            "finder_mean_deviation": require_close_maps(*_joined(maps)),
            "strips_min_cosine": require_close_readings(*_joined(read)),
        },
    )


def _joined(pairs: list[tuple[Arrays, Arrays]]) -> tuple[Arrays, Arrays]:
    """All pairs one after the other; of arrays with more dimensions only the last one is kept."""
    ours, theirs = (
        [
            np.concatenate([one.reshape(-1, one.shape[-1]) for one in arrays])
            for arrays in zip(*(pair[side] for pair in pairs), strict=True)
        ]
        for side in (0, 1)
    )
    return ours, theirs


def golden_picture() -> tuple[RGBImage, list[RGBImage]]:
    """A picture of 256 x 192 px with words, and strips of one width of some of them."""
    drawn, quads = render_words(WORDS, _PICTURE_PX, seed=0, text_px=30.0)
    picture = drawn.copy()  # one that torch may take over
    strips = [cut_strip(picture, around(quad)[0][0]) for quad in quads]
    return picture, [strip for strip in strips if strip.shape[1] == _GOLDEN_WIDTH_PX]


def _random_ids() -> NDArray[np.int64]:
    """Strings of all lengths."""
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz0123456789"))
    return query_ids(["".join(random.choice(letters, size)) for size in (1, 8, 17, 25)])
