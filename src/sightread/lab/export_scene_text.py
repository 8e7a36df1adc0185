"""The three graphs that let words count, checked one by one and then together: from the pixels of a
picture and the words read in it, and from a caption, to their vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightread import modelfolder
from sightread.golden import GoldenWords
from sightread.lab.graphs import (
    Parity,
    require_parity,
    require_same_maps,
    run_onnx,
    to_onnx_of_lists,
)
from sightread.methods.method import SceneTextTowers
from sightread.preprocess import PreprocessSpec
from sightread.scenetext.places import pooling
from sightread.scenetext.serving import Graph, Graphs, SceneTextPath
from sightread.scenetext.settings import SceneTextSettings
from sightread.scenetext.wordvectors import WIDTH
from sightread.tokenizer import Tokenizer
from sightread.types import Quad, RGBImage, WordRegion

CAPTIONS = ('a shop that says "coffee"', 'a taxi beside a sign with "open 24 hours" and "hotel"')
"""Golden texts in which something certainly is scene text."""

WORD_COUNTS, CAPTION_LENGTHS, ENTITY_COUNTS = (1, 2, 7, 30), (1, 2, 9, 60), (1, 2, 6)
"""So long are the lists that are compared."""


@dataclass(frozen=True, slots=True)
class SceneTextExported:
    """Files of the folder, what they say in `model.json`, golden vectors, and how closely the
    graphs follow torch."""

    files: dict[str, bytes]
    details: Mapping[str, Any]
    texts: NDArray[np.float32]
    words: GoldenWords
    parity: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Plain:
    """The two towers of the same model, as torch modules and as graphs."""

    image: tuple[nn.Module, bytes]
    text: tuple[nn.Module, bytes]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the whole path is tried with: a picture, words and where they are in it, texts."""

    picture: RGBImage
    words: Sequence[str]
    quads: Sequence[Quad]
    texts: tuple[str, ...]

    def regions(self) -> list[WordRegion]:
        """The words as a reader gives them, of falling confidence."""
        sure = np.linspace(0.95, 0.6, len(self.words)).astype(np.float32).tolist()
        boxes = np.asarray(self.quads, np.float32)
        return GoldenWords(
            tuple(self.words), boxes, np.asarray(sure, np.float32), np.zeros(0, np.float32)
        ).regions()


def export_scene_text(
    parts: SceneTextTowers,
    plain: Plain,
    shown: Shown,
    spec: PreprocessSpec,
    tokenizer: Tokenizer,
) -> SceneTextExported:
    """Make and check the graphs.

    Raises:
        ModelError: the details of the towers make no sense.
        SightreadError: the graphs and torch disagree.
    """
    rest = dict(parts.details)
    side = int(rest.pop("patches"))
    settings = SceneTextSettings.from_json(rest)
    sizes = _Sizes(plain, spec, side)
    written, written_parity = _written(parts, sizes)
    tag, tag_deviation = _tag(parts)
    caption, caption_parity = _caption(parts, sizes)
    files = dict(zip(modelfolder.SCENE_TEXT_GRAPHS, (written, tag, caption), strict=True))
    in_torch = Graphs(
        _module(plain.image[0]),
        _module(plain.text[0]),
        *map(_module, (parts.written, parts.tag, parts.caption)),
    )
    in_onnx = Graphs(
        _content(plain.image[1]), _content(plain.text[1]), *map(_content, (written, tag, caption))
    )
    paths = [
        SceneTextPath(graphs, settings, side, spec, tokenizer) for graphs in (in_torch, in_onnx)
    ]
    (expected, texts), (found, found_texts) = (_walk(path, shown) for path in paths)
    whole = require_parity(
        "whole", [np.concatenate([expected, texts])], [np.concatenate([found, found_texts])]
    )
    regions = shown.regions()
    words = GoldenWords(
        tuple(shown.words),
        np.asarray([region.box for region in regions], np.float32),
        np.asarray([region.confidence for region in regions], np.float32),
        expected[0],
    )
    parity = {
        "written words": asdict(written_parity),
        "tagger": asdict(Parity(1.0, tag_deviation)),
        "captions": asdict(caption_parity),
        "pictures with words, and captions": asdict(whole),
    }
    return SceneTextExported(files, parts.details, texts, words, parity)


class _Sizes:
    """The widths that random inputs need."""

    def __init__(self, plain: Plain, spec: PreprocessSpec, side: int) -> None:
        with torch.no_grad():
            vector, patches = plain.image[0](torch.zeros(1, 3, spec.size_px, spec.size_px))
        self.dim, self.patch, self.side = vector.shape[1], patches.shape[2], side


def _written(parts: SceneTextTowers, sizes: _Sizes) -> tuple[bytes, Parity]:
    names = ["vector", "patches", "words", "boxes", "pooling", *["plain"] * parts.two_passes]
    free = dict.fromkeys(("words", "boxes", "pooling"), (1, "read"))
    inputs = [_seen(sizes, count, parts.two_passes) for count in WORD_COUNTS]
    outputs = ("embeddings", "weights", "gate")
    graph = to_onnx_of_lists(parts.written, _tensors(inputs[2]), names, outputs, free)
    return graph, _compared("written words", parts.written, graph, inputs)


def _tag(parts: SceneTextTowers) -> tuple[bytes, float]:
    inputs = [[_units(1, count, WIDTH, seed=count)] for count in CAPTION_LENGTHS]
    graph = to_onnx_of_lists(
        parts.tag, _tensors(inputs[2]), ["words"], ["probability"], {"words": (1, "said")}
    )
    pairs = [(_module(parts.tag)(*one), run_onnx(graph, *one)) for one in inputs]
    return graph, max(require_same_maps([*a], [*b], name="tagger") for a, b in pairs)


def _caption(parts: SceneTextTowers, sizes: _Sizes) -> tuple[bytes, Parity]:
    names = ["vector", "prompt", "words", "entities", "at"]
    free = {"words": (1, "said"), "entities": (1, "named"), "at": (1, "named")}
    inputs = [_told(sizes, words, count) for words in CAPTION_LENGTHS for count in ENTITY_COUNTS]
    graph = to_onnx_of_lists(
        parts.caption, _tensors(_told(sizes, 9, 3)), names, ["embeddings"], free
    )
    return graph, _compared("caption", parts.caption, graph, inputs)


def _compared(
    name: str, module: nn.Module, graph: bytes, inputs: Sequence[Sequence[NDArray[Any]]]
) -> Parity:
    found = [
        require_parity(name, [*_module(module)(*one)], run_onnx(graph, *one)) for one in inputs
    ]
    return Parity(min(p.min_cosine for p in found), max(p.max_deviation for p in found))


def _walk(path: SceneTextPath, shown: Shown) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The whole way: (1, C) of the picture with its words, (n, C) of the texts."""
    vector = path.picture(shown.picture, shown.regions()).vector[None]
    return vector, np.stack([path.caption(text) for text in shown.texts])


# --- inputs ------------------------------------------------------------------------------------


def _seen(sizes: _Sizes, count: int, two: bool) -> list[NDArray[Any]]:
    random = np.random.default_rng([1, count])
    corners = np.sort(random.random((count, 2, 2)), axis=1).astype(np.float32)
    boxes = corners.reshape(count, 4)  # left, top, right, bottom
    patches = random.standard_normal((1, sizes.side**2, sizes.patch)).astype(np.float32)
    rows: list[NDArray[Any]] = [
        _units(1, sizes.dim, seed=count),
        patches,
        _units(1, count, WIDTH, seed=count + 1),
        boxes[None],
        pooling(boxes, sizes.side)[None],
    ]
    return rows + [_units(1, sizes.dim, seed=count + 2)] * two


def _told(sizes: _Sizes, words: int, count: int) -> list[NDArray[Any]]:
    random = np.random.default_rng([2, words, count])
    return [
        _units(1, sizes.dim, seed=words),
        _units(1, sizes.dim, seed=words + 1),
        _units(1, words, WIDTH, seed=words + 2),
        _units(1, count, WIDTH, seed=count + 3),
        random.integers(0, words, (1, count)),
    ]


def _units(*shape: int, seed: int) -> NDArray[np.float32]:
    rows = np.random.default_rng([3, seed]).standard_normal(shape)
    units: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return units.astype(np.float32)


def _tensors(values: Sequence[NDArray[Any]]) -> list[Tensor]:
    return [torch.from_numpy(one) for one in values]


def _module(module: nn.Module) -> Graph:
    def graph(*values: NDArray[Any]) -> list[NDArray[np.float32]]:
        with torch.no_grad():
            out = module(*_tensors(values))
        return [one.numpy() for one in (out if isinstance(out, tuple) else (out,))]

    return graph


def _content(content: bytes) -> Callable[..., list[NDArray[np.float32]]]:
    return lambda *values: run_onnx(content, *values)
