"""FDP at the size of two processor cores: a tiny CLIP, rendered pictures, kept features.

CLIP's features never change while FDP learns, so that they are computed once per picture and
training sees only what learns. A picture takes 100 KB on the disk for that.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sightread.clip.tokens import tiny_tokenizer, tokenise
from sightread.encoders import open_encoder
from sightread.lab.checkpoint import open_checkpoint
from sightread.lab.export import export
from sightread.lab.journal import TrainReport
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.clip.recipe import CLIP_METHOD, ClipRecipe
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.distractors import Lexicon
from sightread.methods.fdp.examples import Example, RenderedExamples
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.recipe import (
    FDP_METHOD,
    FdpRecipe,
    build,
    pair_batch,
    preprocess_spec,
    start,
)
from sightread.methods.method import Batch, Batches
from sightread.preprocess import normalise, preprocess
from sightread.protocols import DualEncoder
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors

CHUNK = 64

TINY = FdpConfig(
    variant="tiny",
    size_px=160,
    positions="grid_bicubic",
    map_sampling="any",
    anchors=("and", "star"),
)
"""FDP on the tiny CLIP. Two defaults differ from the published ones, because the grid has only
10 x 10 cells: positions are resized in two dimensions, and a cell is text if a word touches it. The
anchors are of the words that `synth-str` proposes for clustering."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Training pictures as features: `grids` (N, C, h, w), and their truth."""

    grids: NDArray[np.float16]
    examples: RenderedExamples


def say(text: str) -> None:
    """A line of progress on standard error."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def train_clip(config: ClipRecipe, settings: TrainConfig, out: Path) -> Path:
    """The backbone; goes on where an earlier run stopped. Returns its latest checkpoint."""
    last = [0.0]

    def progress(now: object) -> None:
        if time.monotonic() - last[0] > 60:
            last[0] = time.monotonic()
            say(f"tiny CLIP: {now}")

    run = Run(config, settings)
    return finished(train(CLIP_METHOD, run, out, resume=True, progress=progress, tell=say))


def recipe(model: FdpConfig, clip: Path, pictures: int) -> FdpRecipe:
    """A run on the backbone of a checkpoint."""
    return FdpRecipe(
        model, clip=str(clip), pictures=pictures, batch=48, lr_tuned=1e-3, validation_queries=0
    )


def keep_features(wanted: FdpRecipe, seed: int, path: Path) -> Kept:
    """Render the training pictures of a seed and run CLIP over them, unless `path` has it.

    Several processes may do so at once: what is there is whole.
    """
    examples = RenderedExamples(wanted.pictures, wanted.model.size_px, seed)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.stem}-{os.getpid()}.npy")
        np.save(unfinished, _features(wanted, examples, seed))
        unfinished.replace(path)
    return Kept(np.load(path, mmap_mode="r"), examples)


@torch.no_grad()
def _features(wanted: FdpRecipe, examples: RenderedExamples, seed: int) -> NDArray[np.float16]:
    """(N, C, h, w)."""
    model = fresh(wanted, seed)
    spec, grids = preprocess_spec(wanted), []
    for first in range(0, wanted.pictures, CHUNK):
        numbers = range(first, min(first + CHUNK, wanted.pictures))
        pixels = np.stack([normalise(examples.scene(number).pixels, spec) for number in numbers])
        grids.append(model.grid(torch.from_numpy(pixels)).numpy().astype(np.float16))
    return np.concatenate(grids)


def fresh(wanted: FdpRecipe, seed: int) -> FDP:
    """FDP as training starts it."""
    model = build(wanted, seed)
    start(wanted, model)
    return model.eval()


def train_fdp(wanted: FdpRecipe, kept: Kept, settings: TrainConfig, out: Path) -> Path:
    """One variant on kept features; returns its last checkpoint."""

    def batches(config: FdpRecipe, model: FDP, seed: int) -> Batches:
        del model
        pieces, examples = tiny_tokenizer(), kept.examples
        lexicon = Lexicon(examples.lexicon(), config.model.candidates)

        def batch(number: int) -> Batch:
            rng = np.random.default_rng([seed, 6, number])
            chosen = rng.integers(len(examples), size=config.batch)
            drawn: list[Example] = [examples.get(int(index), rng) for index in chosen]
            grid = torch.from_numpy(kept.grids[chosen].astype(np.float32))
            return {"grid": grid, **pair_batch(drawn, config.model, pieces, lexicon)}

        return batch

    method = replace(FDP_METHOD, batches=batches)
    return finished(train(method, Run(wanted, settings), out, resume=True, tell=say))


def finished(report: TrainReport) -> Path:
    """The last checkpoint of a run.

    Raises:
        KeyboardInterrupt: it was stopped; the same command goes on.
    """
    if report.interrupted or report.checkpoint is None:
        raise KeyboardInterrupt
    return report.checkpoint


def exported(checkpoint: Path, out: Path) -> DualEncoder:
    """The model folder of a checkpoint, made if it is not there, opened as users open it."""
    if not out.exists():
        export(checkpoint, out)
    return open_encoder(out)


class PlainClip:
    """The backbone at the input size of FDP: its position table is resized, nothing is learned."""

    def __init__(self, wanted: FdpRecipe) -> None:
        self._model = fresh(wanted, 0)
        self._spec = preprocess_spec(wanted)
        self._pieces = tiny_tokenizer()

    @property
    def spec(self) -> EncoderSpec:
        dim = self._model.clip.config.embed_dim
        return EncoderSpec(space="scene-text", dim=dim, revision="plain", name="plain CLIP")

    @torch.no_grad()
    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        pixels = np.stack([preprocess(image, self._spec) for image in images])
        pool = self._model.visual.attnpool
        tokens = pool.tokens(self._model.grid(torch.from_numpy(pixels)), self._model.positions)
        return [ImageEmbedding(row) for row in _units(pool.attend(tokens))]

    @torch.no_grad()
    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        clip = self._model.clip
        tokens = tokenise(self._pieces, texts, clip.config.text.context_length)
        return _units(clip.encode_text(tokens))


def _units(features: Tensor) -> Vectors:
    rows: Vectors = F.normalize(features, dim=-1).numpy()
    return rows


def clip_checkpoint(path: Path) -> Path:
    """The weights file of a run or checkpoint of the tiny CLIP."""
    return open_checkpoint(path).path / "model.safetensors"
