"""From a checkpoint to a model folder that the shop can serve.

Export refuses to make a folder whose graphs compute something else than the checkpoint.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sightread import modelfolder
from sightread.errors import ModelError
from sightread.golden import Golden, pack
from sightread.lab.card import card
from sightread.lab.checkpoint import Checkpoint, load_model, open_checkpoint
from sightread.lab.export_parts import DETAILS, export_parts
from sightread.lab.facts import versions
from sightread.lab.graphs import Parity, require_parity, run_onnx, run_torch, to_onnx
from sightread.lab.settings import Run, parse_run
from sightread.methods import METHODS
from sightread.methods.method import Method, Towers
from sightread.modelfolder import ModelInfo, TextMap
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.synth.simple import render_words
from sightread.tokenizer import Tokenizer
from sightread.types import RGBImage

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
    licence: str = "not stated",
    overwrite: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Exported:
    """Export a checkpoint, or the best (else the latest) one of a run's folder.

    Args:
        out: the model folder to be made.
        name: for people; by default that of the method and the step.
        licence: of the weights.
        overwrite: replace a model folder that is there.
        tell: gets sentences about what is being done.

    Raises:
        ModelError: no or a damaged checkpoint, or of a method that is not known.
        UsageError: `out` is there already.
        SightreadError: the graphs and torch disagree.
    """
    modelfolder.require_free(Path(out), overwrite)
    found = open_checkpoint(checkpoint)
    method, run, model = _revive(found)
    info = _info(found, method, run, name or f"{method.name}-{found.state.step}", licence)
    tell(f"Exporting {found.path}.")
    make = _export_spotter if method.parts is not None else _export_encoder
    files, info, image, text = make(found, method, run, model, info, tell)
    files[modelfolder.TOKENIZER_JSON] = found.tokenizer().json.encode()
    # The card names the revision, which the files above decide.
    info = replace(info, files=modelfolder.sums(files))
    files[modelfolder.CARD] = card(info, method.about).encode()
    info = modelfolder.write(out, info, files, overwrite=overwrite)
    return Exported(Path(out), info, image, text)


Files = dict[str, bytes | Path]
Made = tuple[Files, ModelInfo, Parity, Parity]


def _export_encoder(
    found: Checkpoint,
    method: Method[Any, Any],
    run: Run[Any],
    model: nn.Module,
    info: ModelInfo,
    tell: Callable[[str], None],
) -> Made:
    """The two towers of a dual encoder."""
    assert method.towers is not None, f"{method.name} has neither towers nor parts"
    towers: Towers = method.towers(run.method, model)
    tokenizer = Tokenizer(found.tokenizer())
    pictures = golden_pictures()
    tell("Exporting the image tower.")
    outputs = ("embeddings", "text_map") if towers.text_map else ("embeddings",)
    pixels = _pixels(pictures, info.preprocess)
    image_graph = to_onnx(towers.image, torch.from_numpy(pixels[:2]), "pixels", outputs)
    expected = run_torch(towers.image, pixels)
    image_parity = require_parity("image", expected, run_onnx(image_graph, pixels))

    tell("Exporting the text tower.")
    ids = np.concatenate([tokenizer(WORDS), _random_ids(tokenizer)])
    text_graph = to_onnx(towers.text, torch.from_numpy(ids[:2]), "ids", ("embeddings",))
    text_vectors = run_torch(towers.text, ids)
    text_parity = require_parity("text", text_vectors, run_onnx(text_graph, ids))

    golden = Golden(
        np.stack(pictures), WORDS, expected[0][: len(pictures)], text_vectors[0][: len(WORDS)]
    )
    parity = {"image": asdict(image_parity), "text": asdict(text_parity)}
    info = replace(
        info,
        dim=towers.dim,
        text_map=_text_map(towers, expected),
        provenance={**info.provenance, "parity": parity},
    )
    files: Files = {
        modelfolder.IMAGE_GRAPH: image_graph,
        modelfolder.TEXT_GRAPH: text_graph,
        modelfolder.GOLDEN: pack(golden),
    }
    return files, info, image_parity, text_parity


def _export_spotter(
    found: Checkpoint,
    method: Method[Any, Any],
    run: Run[Any],
    model: nn.Module,
    info: ModelInfo,
    tell: Callable[[str], None],
) -> Made:
    """The three parts of a word spotter."""
    del found
    assert method.parts is not None
    parts = method.parts(run.method, model)
    made = export_parts(parts, tell)
    info = replace(
        info,
        kind="spotter",
        dim=parts.dim,
        details=DETAILS,
        provenance={**info.provenance, "parity": made.parity()},
    )
    return made.files, info, made.strips, made.text


def _revive(found: Checkpoint) -> tuple[Method[Any, Any], Run[Any], nn.Module]:
    name = found.state.method
    if name not in METHODS:
        known = ", ".join(sorted(METHODS)) or "none"
        raise ModelError(f"{found.path} is of the method {name!r}; known here are: {known}.")
    method = METHODS[name]
    run = parse_run(method, found.state.config, str(found.path))
    model = method.build(run.method, run.train.seed)
    load_model(found, model, ema=True)
    model.eval()
    return method, run, model


def _info(
    found: Checkpoint, method: Method[Any, Any], run: Run[Any], name: str, licence: str
) -> ModelInfo:
    """What is known before the graphs are made; the dimension is filled in with them."""
    import onnx
    import onnxruntime

    state = found.state
    made = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    return ModelInfo(
        kind="encoder",
        name=name,
        space=method.space,
        dim=1,
        licence=licence,
        preprocess=method.preprocess(run.method),
        tokenizer=state.tokenizer,
        provenance={
            "method": state.method,
            "steps": state.step,
            "examples": state.examples,
            "seconds": round(state.seconds, 1),
            "seed": run.train.seed,
            "device": state.device,
            "metrics": dict(state.metrics),
            "digest": state.digest,
            "config": without_folders(state.config),
            "trained_with": dict(state.created_with),
        },
        created_with=versions() | made,
    )


def _text_map(towers: Towers, outputs: Sequence[NDArray[np.float32]]) -> TextMap | None:
    if not towers.text_map:
        return None
    rows, columns = outputs[1].shape[1:]
    return TextMap(rows, columns, towers.text_threshold)


def without_folders(value: Any) -> Any:
    """Plain data with absolute paths cut down to their last part: a model is passed on, and where
    its maker kept his files is nobody's business."""
    if isinstance(value, Mapping):
        return {name: without_folders(one) for name, one in value.items()}
    if isinstance(value, list):
        return [without_folders(one) for one in value]
    if isinstance(value, str) and os.path.isabs(os.path.expanduser(value)):
        return os.path.basename(value.rstrip("/"))
    return value


# --- inputs for the gate -----------------------------------------------------------------------


def golden_pictures() -> list[RGBImage]:
    """Three pictures of 240 x 180 px with words on them, the same on every machine of one version
    of Pillow; they travel with the model, so that other versions do not matter."""
    return [
        render_words(WORDS[number : number + 3], (240, 180), seed=number, text_px=30.0)[0]
        for number in range(3)
    ]


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
