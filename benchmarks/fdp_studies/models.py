"""The model that is studied: as users have it, or open, so that its parts can be exchanged."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sightread import modelfolder
from sightread.clip.folder import open_folder
from sightread.clip.model import CLIP
from sightread.clip.positions import resize_positions
from sightread.encoders import open_encoder
from sightread.errors import UsageError
from sightread.lab.checkpoint import Checkpoint, load_model, open_checkpoint
from sightread.lab.settings import parse_run
from sightread.methods import METHODS
from sightread.methods.fdp.model import FDP
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.protocols import DualEncoder
from sightread.tokenizer import Tokenizer
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors

CHUNK = 64


@dataclass(frozen=True, slots=True)
class Opened:
    """FDP in torch with all that is needed to ask it; a `DualEncoder`."""

    model: FDP
    tokenizer: Tokenizer
    preprocess: PreprocessSpec
    digest: str

    @property
    def spec(self) -> EncoderSpec:
        return EncoderSpec("scene-text", self.model.clip.config.embed_dim, self.digest, "fdp")

    def grids(self, images: Sequence[RGBImage]) -> Tensor:
        """CLIP's features of pictures, (n, C, h, w)."""
        found = []
        for first in range(0, len(images), CHUNK):
            some = [preprocess(image, self.preprocess) for image in images[first : first + CHUNK]]
            found.append(self.model.grid(torch.from_numpy(np.stack(some))))
        return torch.cat(found)

    @torch.no_grad()
    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        """See `DualEncoder.encode_images`; without areas."""
        vectors = F.normalize(self.model.image_head(self.grids(images)).features, dim=-1)
        return [ImageEmbedding(vector) for vector in vectors.numpy()]

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `DualEncoder.encode_texts`: clustered and prompted."""
        tokens = torch.from_numpy(self.tokenizer(texts))
        return as_vectors(F.normalize(self.model.encode_text(tokens), dim=-1))

    def encode_bare(self, texts: Sequence[str]) -> Vectors:
        """The same texts as CLIP itself encodes them, without a prompt."""
        return as_vectors(
            F.normalize(text_features(self.model.clip, self.tokenizer, texts), dim=-1)
        )

    def at(self, size_px: int) -> Opened:
        """The same weights for another input size: the learned position table is resized in two
        dimensions, by bicubic interpolation."""
        model = self.model
        resized = FDP(model.clip, replace(model.config, size_px=size_px), model.prompts.dot_token)
        weights = model.state_dict()
        weights["positions"] = resize_positions(weights["positions"], resized.cells)
        resized.load_state_dict(weights)
        return replace(
            self, model=resized.eval(), preprocess=replace(self.preprocess, size_px=size_px)
        )


@torch.no_grad()
def text_features(clip: CLIP, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """CLIP's features of bare texts, (n, D), not normalised."""
    tokens = torch.from_numpy(tokenizer(texts))
    parts = [clip.encode_text(tokens[at : at + 256]) for at in range(0, len(tokens), 256)]
    return torch.cat(parts)


def as_vectors(rows: Tensor) -> Vectors:
    """(n, D) as NumPy has it."""
    found: NDArray[np.float32] = rows.detach().float().numpy()
    return found


def open_fdp(path: Path) -> Opened:
    """FDP from a run or checkpoint.

    Raises:
        ModelError: there is none, or it is damaged.
        UsageError: it is of another method.
    """
    found = open_checkpoint(path)
    model, run = _revive(found)
    if not isinstance(model, FDP):
        raise UsageError(f"{path} is of the method {found.state.method}: this study needs fdp")
    spec = METHODS[found.state.method].preprocess(run)
    return Opened(model, Tokenizer(found.tokenizer()), spec, digest_of(found))


@dataclass(frozen=True, slots=True)
class TextSide:
    """The text tower of a CLIP."""

    name: str
    clip: CLIP
    tokenizer: Tokenizer
    digest: str


def open_text_side(path: Path) -> TextSide:
    """The text tower of a run of FDP or CLIP, or of a folder with CLIP's weights.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    if (path / modelfolder.MODEL_JSON).is_file():
        folder = open_folder(path)
        model = folder.model.eval()
        return TextSide(folder.info.name, model, Tokenizer(folder.tokenizer), folder.info.revision)
    found = open_checkpoint(path)
    model_of_run, _ = _revive(found)
    clip = model_of_run.clip if isinstance(model_of_run, FDP) else model_of_run
    if not isinstance(clip, CLIP):
        raise UsageError(f"{path} is of the method {found.state.method}, which has no CLIP in it")
    name = f"{found.state.method}-{found.state.step}"
    return TextSide(name, clip, Tokenizer(found.tokenizer()), digest_of(found))


def choose_model(parser: ArgumentParser, *, folder: bool) -> None:
    """Let the command take a checkpoint, or with `folder` a model folder in its place."""
    if not folder:
        parser.add_argument("--checkpoint", type=Path, required=True, help="a run of FDP")
        return
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--encoder", type=Path, help="a model folder")
    group.add_argument("--checkpoint", type=Path, help="a run of FDP")


def open_chosen(asked: Namespace) -> DualEncoder:
    """The encoder of `choose_model` with `folder`.

    Raises:
        ModelError: it cannot be opened.
    """
    return open_encoder(asked.encoder) if asked.encoder else open_fdp(asked.checkpoint)


def digest_of(found: Checkpoint) -> str:
    """Which weights, exactly: SHA-256 of the file with the weights that are used."""
    files = found.state.files
    return files["ema.safetensors" if "ema.safetensors" in files else "model.safetensors"].sha256


def _revive(found: Checkpoint) -> tuple[nn.Module, Any]:
    state = found.state
    if state.method not in METHODS:
        raise UsageError(f"{found.path} is of the method {state.method!r}, which is not known here")
    method = METHODS[state.method]
    run = parse_run(method, state.config, str(found.path))
    model: nn.Module = method.build(run.method, run.train.seed)
    load_model(found, model, ema=True)
    return model.eval(), run.method
