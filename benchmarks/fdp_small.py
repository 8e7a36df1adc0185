"""FDP at the size of two processor cores: a tiny CLIP, rendered pictures, kept features.

CLIP's features never change while FDP learns, so that they are computed once per picture and
training sees only what learns. A picture costs 40 KB for that.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sightread.clip.tokens import tiny_tokenizer
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
from sightread.preprocess import normalise
from sightread.protocols import DualEncoder
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

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
    """Training pictures as features: `grids` (N, C, 5, 5) float32, and their truth."""

    grids: Tensor
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


@torch.no_grad()
def keep_features(wanted: FdpRecipe, seed: int) -> Kept:
    """Render the training pictures of a seed and run CLIP over them once."""
    model = fresh(wanted, seed)
    examples = RenderedExamples(wanted.pictures, wanted.model.size_px, seed)
    spec, grids = preprocess_spec(wanted), []
    for first in range(0, wanted.pictures, CHUNK):
        numbers = range(first, min(first + CHUNK, wanted.pictures))
        pixels = np.stack([normalise(examples.scene(number).pixels, spec) for number in numbers])
        grids.append(model.grid(torch.from_numpy(pixels)))
    return Kept(torch.cat(grids), examples)


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
            grid = kept.grids[torch.from_numpy(chosen)]
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


class KeptPictures:
    """A task whose pictures are rendered once."""

    def __init__(self, task: RetrievalTask) -> None:
        self.task = replace(task, load=self.load)
        self._load: Callable[[str], RGBImage] = task.load
        self._pixels: dict[str, RGBImage] = {}

    def load(self, picture: str) -> RGBImage:
        if picture not in self._pixels:
            self._pixels[picture] = self._load(picture)
        return self._pixels[picture]


def clip_checkpoint(path: Path) -> Path:
    """The weights file of a run or checkpoint of the tiny CLIP."""
    return open_checkpoint(path).path / "model.safetensors"
