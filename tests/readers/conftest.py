"""Pictures with known words at known places, and one reader for all tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.config import to_plain
from sightread.lab import checkpoint as checkpoints
from sightread.lab.checkpoint import TrainState
from sightread.lab.export import export
from sightread.lab.settings import Run
from sightread.methods.spotter.model import SpotterConfig
from sightread.methods.spotter.recipe import SPOTTER_METHOD, SpotterRecipe, build
from sightread.readers.rapidocr import RapidOcrReader
from sightread.types import RGBImage

Write = Callable[..., RGBImage]


TINY = SpotterConfig(
    finder=(4, 8, 8, 8, 8),
    finder_blocks=(0, 1, 0, 0),
    finder_width=8,
    strip=(4, 8, 8),
    sequence=16,
    letters=16,
    dim=32,
)


def train_nothing(run: Path, seed: int) -> None:
    """A run's folder with the weights that training begins with."""
    recipe = SpotterRecipe(model=TINY, finder=True, held_out=0)
    model = build(recipe, seed)
    source = SPOTTER_METHOD.tokenizer(recipe, model)
    state = TrainState(
        method="spotter",
        step=1,
        config=to_plain(Run(recipe)),
        digest="0" * 64,
        tokenizer=source.layout,
        files={},
    )
    import torch

    optimizer = torch.optim.Adam(model.parameters())
    checkpoints.save(run / "checkpoints", state, model, optimizer, source)


@pytest.fixture(scope="session")
def spotter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a small spotter with random weights."""
    root = tmp_path_factory.mktemp("spotter")
    train_nothing(root / "run", 0)
    # Random weights decide nothing clearly enough for eight bits.
    export(root / "run", root / "model", licence="Apache-2.0", precision="float32")
    return root / "model"


@pytest.fixture(scope="session")
def reader() -> RapidOcrReader:
    return RapidOcrReader()


@pytest.fixture(scope="session")
def write() -> Write:
    """A picture with a text in its middle, turned clockwise by some degrees."""
    source = files("font_manrope") / "files" / "Manrope-Bold.ttf"

    def render(
        text: str,
        size: tuple[int, int] = (640, 400),
        font_px: int = 60,
        turned: float = 0,
        ink: str = "black",
        paper: str = "white",
    ) -> RGBImage:
        with as_file(source) as path:
            font = ImageFont.truetype(str(path), font_px)
        image = Image.new("RGB", size, paper)
        draw = ImageDraw.Draw(image)
        middle = (size[0] / 2, size[1] / 2)
        draw.text(middle, text, font=font, fill=ink, anchor="mm", align="center")
        turned_image = image.rotate(-turned, Image.Resampling.BICUBIC, fillcolor=paper)
        return np.asarray(turned_image, dtype=np.uint8)

    return render
