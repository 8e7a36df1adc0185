"""A method that learns in a second: colours and their names.

A picture is a noisy square of one of eight colours; its text is the colour's name. The loss is a
mean over examples and does not look at the rest of the batch, so that sums of batches can be
compared exactly.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from tokenizers import models, normalizers, pre_tokenizers
from torch import Tensor, nn

from sightread.errors import PictureError
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.tokenizer import Tokenizer, TokenizerSource, TokenLayout
from sightread.types import RGBImage

COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (10, 10, 10),
    "white": (245, 245, 245),
    "red": (220, 30, 30),
    "green": (30, 200, 40),
    "blue": (30, 40, 220),
    "yellow": (230, 220, 40),
    "cyan": (30, 210, 220),
    "pink": (240, 150, 190),
}
NAMES = tuple(COLOURS)


@dataclass(frozen=True)
class ToyConfig:
    batch: int = 8
    size_px: int = 16
    dim: int = 8
    lr: float = 0.02
    dropout: float = 0.1
    text_map: bool = False
    weight_of_map: float = 0.5
    seconds: float = 0.0
    """How long a batch takes."""
    nan_at: int | None = None
    huge_at: int | None = None
    broken_at: int | None = None
    """Batches at which something goes wrong."""
    marker: str | None = None
    """A file that is touched when pretrained weights would be loaded."""


class ToyModel(nn.Module):
    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, stride=4)
        self.norm = nn.GroupNorm(4, 16)
        self.cell = nn.Conv2d(16, 1, 1)
        self.image = nn.Linear(16, config.dim)
        self.words = nn.Embedding(16, 16)
        self.text = nn.Linear(16, config.dim)
        self.frozen = nn.Linear(2, 2)
        self.drop = nn.Dropout(config.dropout)
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(()))

    def encode_image(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features = F.relu(self.norm(self.stem(pixels)))  # (B, 16, h, w)
        text_map = torch.sigmoid(self.cell(features))[:, 0]  # (B, h, w)
        pooled = self.drop(features.mean((2, 3)))  # (B, 16)
        return F.normalize(self.image(pooled), dim=-1), text_map

    def encode_text(self, ids: Tensor) -> Tensor:
        there = (ids != 0).unsqueeze(-1)  # (B, T, 1)
        mean = (self.words(ids) * there).sum(1) / there.sum(1)  # (B, 16)
        return F.normalize(self.text(mean), dim=-1)


def build(config: ToyConfig, seed: int) -> ToyModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ToyModel(config)


def start(config: ToyConfig, model: ToyModel) -> None:
    with torch.no_grad():
        model.seen.fill_(100.0)
    if config.marker is not None:
        Path(config.marker).touch(exist_ok=False)


def picture(index: int, seed: int, size_px: int) -> tuple[RGBImage, int]:
    """Example number `index` and which colour it is."""
    random = np.random.default_rng([seed, index])
    colour = index % len(NAMES)
    noise = random.integers(-9, 10, (size_px, size_px, 3))
    return np.clip(noise + COLOURS[NAMES[colour]], 0, 255).astype(np.uint8), colour


def batches(config: ToyConfig, model: ToyModel, seed: int) -> Batches:
    tokens = Tokenizer(tokenizer(config, model))(NAMES)
    spec = spec_of(config)

    def batch(number: int) -> Batch:
        if number == config.broken_at:
            raise PictureError("shop.jpg cannot be read: it is a toy.")
        time.sleep(config.seconds)
        first = number * config.batch
        made = [picture(first + i, seed, config.size_px) for i in range(config.batch)]
        pixels = np.stack([preprocess(image, spec) for image, _ in made])
        if number == config.nan_at:
            pixels[0, 0, 0, 0] = math.nan
        return {
            "pixels": torch.from_numpy(pixels),
            "ids": torch.from_numpy(tokens),
            "colours": torch.tensor([colour for _, colour in made]),
            "names": [NAMES[colour] for _, colour in made],
            "number": number,
        }

    return batch


def losses(config: ToyConfig, model: ToyModel, batch: Batch) -> Losses:
    if batch["number"] == config.huge_at:
        torch.empty(2**50)
    images, text_map = model.encode_image(batch["pixels"])  # (B, D), (B, h, w)
    texts = model.encode_text(batch["ids"])  # (8, D)
    if model.training:
        model.seen += len(images)
    align = F.cross_entropy(10.0 * images @ texts.T, batch["colours"])
    # Bright pictures have text on them.
    target = (batch["pixels"].mean((1, 2, 3)) > 0).float()[:, None, None].expand_as(text_map)
    locate = ((text_map.float() - target) ** 2).mean()
    return {"align": align, "locate": locate, "total": align + config.weight_of_map * locate}


def groups(config: ToyConfig, model: ToyModel) -> Sequence[ParameterGroup]:
    image = [*model.stem.parameters(), *model.norm.parameters(), *model.image.parameters()]
    texts = [*model.words.parameters(), *model.text.parameters()]
    return (
        ParameterGroup("image", [*image, *model.cell.parameters()], config.lr),
        ParameterGroup("text", texts, config.lr / 2, weight_decay=1e-3),
    )


class ImageTower(nn.Module):
    def __init__(self, model: ToyModel, with_map: bool) -> None:
        super().__init__()
        self.model, self.with_map = model, with_map

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        embeddings, text_map = self.model.encode_image(pixels)
        return (embeddings, text_map) if self.with_map else embeddings


class TextTower(nn.Module):
    def __init__(self, model: ToyModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        return self.model.encode_text(ids)


def towers(config: ToyConfig, model: ToyModel) -> Towers:
    image, text = ImageTower(model, config.text_map), TextTower(model)
    return Towers(image.eval(), text.eval(), config.dim, config.text_map)


def spec_of(config: ToyConfig) -> PreprocessSpec:
    return PreprocessSpec(config.size_px)


def tokenizer(config: ToyConfig, model: ToyModel) -> TokenizerSource:
    assert config.dim
    assert isinstance(model, nn.Module)
    vocabulary = {"?": 1} | {name: 2 + number for number, name in enumerate(NAMES)}
    pieces = Pieces(models.WordLevel(vocabulary, unk_token="?"))
    pieces.normalizer = normalizers.Lowercase()
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return TokenizerSource(pieces.to_str(), TokenLayout(6, start_id=10, end_id=11))


def validate(config: ToyConfig, model: ToyModel) -> dict[str, float]:
    """R@1 on eight pictures that training does not see."""
    assert not model.training
    batch = batches(config, model, 10_000)(0)
    images = model.encode_image(batch["pixels"])[0]
    texts = model.encode_text(batch["ids"])
    found: NDArray[np.bool_] = ((images @ texts.T).argmax(1) == batch["colours"]).numpy()
    return {"r1": float(found.mean()), "seen": float(model.seen)}


TOY = Method(
    name="toy",
    space="colour",
    about="Knows eight colours by name. It is a toy for tests.",
    config=ToyConfig,
    build=build,
    batches=batches,
    losses=losses,
    groups=groups,
    towers=towers,
    preprocess=spec_of,
    tokenizer=tokenizer,
    start=start,
    validate=validate,
)
