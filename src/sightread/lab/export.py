"""From a checkpoint, or the weights of a CLIP, to a model folder that the shop can serve.

Export refuses to make a folder whose graphs compute something else than the model in torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sightread import modelfolder
from sightread.errors import UsageError
from sightread.golden import Golden, pack
from sightread.lab.card import card
from sightread.lab.export_matcher import export_matcher
from sightread.lab.export_parts import DETAILS, Precision, export_parts
from sightread.lab.export_scene_text import CAPTIONS, Plain, Shown, export_scene_text
from sightread.lab.graphs import Parity, require_parity, run_onnx, run_torch, to_onnx
from sightread.lab.sources import Source, open_source, with_finder
from sightread.methods.method import Parts, Towers
from sightread.modelfolder import ModelInfo, TextMap
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.synth.simple import render_words
from sightread.tokenizer import Tokenizer
from sightread.types import Quad, RGBImage

WORDS = ("coffee", "shop", "taxi", "the", "open 24 hours", "hotel", "red sign", "2024")
"""Written in the golden pictures, and the golden texts. They are not of any benchmark."""

_RANDOM = 4


@dataclass(frozen=True, slots=True)
class Exported:
    """A new model folder, and how closely its graphs follow torch. `image` is the image tower, or
    the strip encoder of a word spotter."""

    folder: Path
    info: ModelInfo
    image: Parity
    text: Parity


def export(
    checkpoint: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    name: str | None = None,
    licence: str | None = None,
    notes: str = "",
    finder: str | os.PathLike[str] | None = None,
    precision: Precision | None = None,
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Export a model.

    Args:
        checkpoint: what `sources.open_source` takes.
        out: the model folder to be made.
        name: for people; by default that of the method and the step, or of the weights.
        licence: of the weights; by default what the weights say.
        notes: about the data, for the card.
        finder: of a word spotter: the checkpoint, or the run, whose finder is taken instead.
        precision: of convolutions; by default int8 for a word spotter and float32 for encoders,
            which know nothing else.
        overwrite: replace a model folder that is there.
        tell: gets sentences about what is being done.

    Raises:
        ModelError: no or a damaged checkpoint, or of a method that is not known.
        UsageError: `out` is there already, or `finder` or `precision` is said of what has none.
        SightreadError: the graphs and torch disagree.
    """
    modelfolder.require_free(Path(out), overwrite)
    source = open_source(checkpoint)
    if finder is not None:
        source = with_finder(source, open_source(finder))
    tell(f"Exporting {source.path}.")
    parts = source.towers
    if isinstance(parts, Parts):
        made = _parts(source, parts, precision or "int8", tell)
    elif precision == "int8":
        raise UsageError(f"{source.path} is no word spotter; encoders are exported in float32.")
    else:
        made = _towers(source, parts, tell)
    files, info = made.files, made.info
    info = replace(info, name=name or info.name, licence=licence or info.licence)
    files[modelfolder.TOKENIZER_JSON] = source.tokenizer.json.encode()
    # The card names the revision, which the files above decide.
    info = replace(info, files=modelfolder.sums(files))
    files[modelfolder.CARD] = card(info, source.about, notes).encode()
    info = modelfolder.write(out, info, files, overwrite=overwrite)
    return Exported(Path(out), info, made.image, made.text)


@dataclass(frozen=True, slots=True)
class _Made:
    """What is in the folder besides tokeniser and card."""

    files: dict[str, bytes | Path]
    info: ModelInfo
    image: Parity
    text: Parity


def _parts(
    source: Source, parts: Parts, precision: Precision, tell: Callable[[str], None]
) -> _Made:
    """Of a word spotter."""
    made = export_parts(parts, precision, tell)
    provenance = {**source.info.provenance, "precision": precision, **made.provenance()}
    info = replace(source.info, details=DETAILS, provenance=provenance)
    return _Made(made.files, info, made.strips, made.text)


def _towers(source: Source, towers: Towers, tell: Callable[[str], None]) -> _Made:
    """Of a dual encoder."""
    tokenizer = Tokenizer(source.tokenizer)
    pictures = golden_pictures()
    tell("Exporting the image tower.")
    pixels = _pixels(pictures, source.info.preprocess)
    examples = torch.from_numpy(pixels[:2])
    image_graph = to_onnx(towers.image, examples, "pixels", _outputs(towers))
    expected = run_torch(towers.image, pixels)
    image_parity = require_parity("image", expected, run_onnx(image_graph, pixels))
    tell("Exporting the text tower.")
    ids = np.concatenate([tokenizer(WORDS), _random_ids(tokenizer)])
    outputs = ("embeddings", "tokens") if towers.matcher is not None else ("embeddings",)
    free = {1: 1} if towers.scene_text is not None else None  # a prompt costs what it is long
    text_graph = to_onnx(towers.text, torch.from_numpy(ids[:2]), "ids", outputs, free)
    text_vectors = run_torch(towers.text, ids)
    text_parity = require_parity("text", text_vectors, run_onnx(text_graph, ids))

    golden = Golden(
        np.stack(pictures), WORDS, expected[0][: len(pictures)], text_vectors[0][: len(WORDS)]
    )
    parity: dict[str, object] = {"image": asdict(image_parity), "text": asdict(text_parity)}
    info = replace(
        source.info,
        text_map=_text_map(towers, expected),
        provenance={**source.info.provenance, "parity": parity},
    )
    graphs = {modelfolder.IMAGE_GRAPH: image_graph, modelfolder.TEXT_GRAPH: text_graph}
    files: dict[str, bytes | Path] = {**graphs}
    if towers.scene_text is not None:
        tell("Exporting what lets words count.")
        plain = Plain((towers.image, image_graph), (towers.text, text_graph))
        made = export_scene_text(towers.scene_text, plain, _shown(), info.preprocess, tokenizer)
        files |= made.files
        parity |= made.parity
        info = replace(info, details={**info.details, "scene_text": dict(made.details)})
        golden = replace(golden, texts=_shown().texts, text_vectors=made.texts, words=made.words)
    files[modelfolder.GOLDEN] = pack(golden)
    if towers.matcher is not None:
        tell("Exporting the matching head.")
        graph, deviation = export_matcher(towers.matcher, expected[1], text_vectors[1], ids)
        files[modelfolder.MATCH_GRAPH] = graph
        parity["matching head"] = asdict(Parity(1.0, deviation))
        info = replace(info, details={**info.details, "scale": towers.scale})
    return _Made(files, info, image_parity, text_parity)


def _shown() -> Shown:
    """The first golden picture with its words, and all golden texts."""
    picture, quads = _golden_picture(0)
    return Shown(picture, WORDS[:3], quads, (*WORDS, *CAPTIONS))


def _outputs(towers: Towers) -> tuple[str, ...]:
    """Of the image tower."""
    if towers.matcher is not None:
        return ("embeddings", "tokens")
    if towers.scene_text is not None:
        return ("embeddings", "patches")
    return ("embeddings", "text_map") if towers.text_map else ("embeddings",)


def _text_map(towers: Towers, outputs: Sequence[NDArray[np.float32]]) -> TextMap | None:
    if not towers.text_map:
        return None
    rows, columns = outputs[1].shape[1:]
    return TextMap(rows, columns, towers.text_threshold)


# --- inputs for the gate -----------------------------------------------------------------------


def golden_pictures() -> list[RGBImage]:
    """Three pictures of 240 x 180 px with words on them, the same on every machine of one version
    of Pillow; they travel with the model, so that other versions do not matter."""
    return [_golden_picture(number)[0] for number in range(3)]


def _golden_picture(number: int) -> tuple[RGBImage, list[Quad]]:
    words = WORDS[number : number + 3]
    return render_words(words, (240, 180), seed=number, text_px=30.0)


def _pixels(pictures: Sequence[RGBImage], spec: PreprocessSpec) -> NDArray[np.float32]:
    """The pictures as inputs, then noise of the size that normalised pixels have."""
    shape = (_RANDOM, 3, spec.size_px, spec.size_px)
    noise = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return np.concatenate([np.stack([preprocess(one, spec) for one in pictures]), noise])


def _random_ids(tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Rows of random pieces of all lengths, up to a full context."""
    layout, pieces = tokenizer.layout, tokenizer.vocabulary()
    random = np.random.default_rng(0)
    ids = np.full((_RANDOM, layout.context_length), layout.pad_id, np.int64)
    lengths = np.linspace(1, layout.context_length - 2, _RANDOM).astype(int)
    for row, length in zip(ids, lengths, strict=True):
        row[: length + 2] = [layout.start_id, *random.choice(pieces, length), layout.end_id]
    return ids
