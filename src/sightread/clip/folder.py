"""CLIP weights as a model folder of kind "weights": a starting point for training and export."""

from __future__ import annotations

import importlib.metadata
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from tokenizers import Tokenizer

from sightread import modelfolder
from sightread.clip.model import CLIP
from sightread.clip.tokens import END, PAD_ID, START
from sightread.clip.weights import build_clip, detect_config, read_weights
from sightread.errors import ModelError
from sightread.modelfolder import CARD, TOKENIZER_JSON, WEIGHTS, ModelInfo
from sightread.preprocess import PreprocessSpec
from sightread.tokenizer import TokenizerSource, TokenLayout

SPACE = "meaning"
"""What the vectors of a plain CLIP say: what a picture shows."""


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A CLIP with all that is needed to use it."""

    model: CLIP
    tokenizer: TokenizerSource
    info: ModelInfo


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known about weights besides their numbers.

    Attributes:
        name: for people.
        licence: an SPDX name or a sentence.
        provenance: plain data: where from, which file, its SHA-256.
    """

    name: str
    licence: str
    provenance: Mapping[str, Any]


def write_folder(
    folder: Path, model: CLIP, tokenizer: Tokenizer, preprocess: PreprocessSpec, origin: Origin
) -> ModelInfo:
    """Write a model folder of kind "weights" and read it back whole.

    Raises:
        UsageError: the folder is there already.
        ModelError: the tokeniser has not as many tokens as the model.
    """
    layout = layout_of(tokenizer, model)
    info = ModelInfo(
        kind="weights",
        name=origin.name,
        space=SPACE,
        dim=model.config.embed_dim,
        licence=origin.licence,
        preprocess=preprocess,
        tokenizer=layout,
        provenance=origin.provenance,
        created_with=_versions(),
        details={"architecture": model.config.name, "quick_gelu": model.config.quick_gelu},
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # On the same disk as the folder: weights may be larger than a memory-backed /tmp.
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        weights = Path(scratch) / WEIGHTS
        save_file({name: t.contiguous() for name, t in model.state_dict().items()}, weights)
        files: dict[str, bytes | Path] = {
            WEIGHTS: weights,
            TOKENIZER_JSON: tokenizer.to_str().encode(),
            CARD: card(info, model).encode(),
        }
        modelfolder.write(folder, info, files)
    return modelfolder.verify(folder)


def open_folder(folder: str | os.PathLike[str]) -> Pretrained:
    """A model folder that `write_folder` made, after its checksums were compared.

    Raises:
        ModelError: the folder is damaged, of another kind, or its weights are of no CLIP.
    """
    info = modelfolder.verify(folder)
    quick_gelu = info.details.get("quick_gelu")
    if info.kind != "weights" or not isinstance(quick_gelu, bool):
        raise ModelError(
            f"{folder} has no weights of a CLIP, it is of kind {info.kind}; `sightread models "
            "pull` or `models import` makes such a folder."
        )
    weights = read_weights(Path(folder) / WEIGHTS)
    model = build_clip(weights, detect_config(weights, quick_gelu=quick_gelu))
    text = modelfolder.read_bytes(folder, info, TOKENIZER_JSON).decode()
    return Pretrained(model, TokenizerSource(text, info.tokenizer), info)


def layout_of(tokenizer: Tokenizer, model: CLIP) -> TokenLayout:
    """How pieces are wrapped for this model.

    Raises:
        ModelError: the tokeniser is of another model.
    """
    expected, found = model.config.text.vocab_size, tokenizer.get_vocab_size()
    start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
    if found != expected or start is None or end is None:
        raise ModelError(
            f"The tokeniser has {found:,} tokens, but the model has {expected:,}; it is of "
            "another model."
        )
    return TokenLayout(model.config.text.context_length, start, end, PAD_ID)


def card(info: ModelInfo, model: CLIP) -> str:
    """CARD.md: what the weights are and where they come from."""
    gelu = "x * sigmoid(1.702 x) (quick GELU)" if model.config.quick_gelu else "exact"
    rows = "\n".join(f"| {key} | {value} |" for key, value in info.provenance.items())
    return f"""# {info.name}

Weights of a CLIP ({model.config.name}), two towers that put pictures and texts into one space of
{info.dim} dimensions. They are a starting point for training and for export, and serve nothing by
themselves.

| | |
|---|---|
| input | {info.preprocess.size_px} px, {info.preprocess.fit} |
| context length | {info.tokenizer.context_length} tokens |
| GELU | {gelu} |
| licence | {info.licence} |
{rows}

The numbers are those of the source in single precision, under OpenAI's names; nothing was trained
or changed here. What the model can do, and what it must not be used for, is said by its authors
at the source.
"""


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in ("torch", "safetensors")}
