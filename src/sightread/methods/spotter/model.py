"""The word spotter: where words are, and one vector and one reading for each.

The line of work: word spotting in one space for strings and word images (Almazan et al., "Word
spotting and recognition with embedded attributes", TPAMI 2014), scene text retrieval by regions
(Wang et al., "Scene text retrieval via joint text detection and similarity learning", CVPR 2021),
kernels of words (see `spotting.maps`), CTC (Graves et al., ICML 2006).

Three parts:

* `Finder`: a picture -> the map of kernels (stride 2) and the geometry of words (stride 4);
* `StripEncoder`: a word's strip, cut from the pixels (`spotting.strips`) -> vector and reading;
* `QueryTower`: characters -> vector in the same space.

Deviations from what was planned: the reading part looks at strips of pixels and not at feature
maps of the finder. A map that can be read at 8 px needs so many channels at stride 4 that it costs
more than the whole budget, text or no text; strips cost only where there is text, and are cut from
a larger picture than the finder sees. See docs/decisions/0007-word-spotter.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.spotting.alphabet import CLASSES, END, PAD
from sightread.spotting.strips import MIDDLE, PER_DEVIATION

MAX_SCALE = 100.0


@dataclass(frozen=True, slots=True)
class SpotterConfig:
    """Sizes of the network.

    Attributes:
        finder: channels at strides 2, 4, 8, 16 and 32.
        finder_blocks: residual blocks at strides 4, 8, 16 and 32.
        finder_width: channels of the joined map at stride 4.
        strip: channels of strips at strides 2, 4 and 8 (across: 2, 4 and 4).
        sequence: channels of the columns of a strip.
        letters: channels of the query tower.
        bins: parts of a word that are averaged apart.
        dim: D.
    """

    finder: tuple[int, int, int, int, int] = (16, 24, 40, 80, 128)
    finder_blocks: tuple[int, int, int, int] = (0, 1, 2, 2)
    finder_width: int = 24
    strip: tuple[int, int, int] = (32, 64, 128)
    sequence: int = 192
    letters: int = 128
    bins: int = 5
    dim: int = 128


def step(into: int, out: int, stride: int | tuple[int, int] = 1) -> nn.Sequential:
    """3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """x + two 3 x 3 convolutions of x."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = step(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + cast(Tensor, self.second(self.first(x))))  # (B, C, H, W)


class Finder(nn.Module):
    """Where words are. Sides of the input are multiples of 32."""

    def __init__(self, config: SpotterConfig) -> None:
        super().__init__()
        half, *channels = config.finder
        blocks = config.finder_blocks
        self.stem = step(3, half, 2)
        self.stages = nn.ModuleList()
        for into, out, count in zip((half, *channels[:-1]), channels, blocks, strict=True):
            stage = [step(into, out, 2), *(Residual(out) for _ in range(count))]
            self.stages.append(nn.Sequential(*stage))
        width = config.finder_width
        self.lateral = nn.ModuleList(nn.Conv2d(out, width, 1) for out in channels)
        self.joined = step(width, width)
        self.kernel = nn.Conv2d(width, 4, 1)
        self.geometry = nn.Conv2d(width, 3, 1)
        # Few cells are kernels: the first steps are not spent on learning that.
        nn.init.constant_(cast(Tensor, self.kernel.bias), -3.0)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (B, 3, H, W) in [-1, 1] -> logits of kernels (B, H/2, W/2) and geometry
        (B, 3, H/4, W/4): log(thickness / 16 px), cosine and sine of the direction."""
        x = self.stem(pixels)  # (B, C, H/2, W/2)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)  # (B, C, H/4, W/4) to (B, C, H/32, W/32)
        joined = self.lateral[3](levels[3])
        for number in (2, 1, 0):
            wider = F.interpolate(joined, scale_factor=2.0, mode="nearest")
            joined = wider + self.lateral[number](levels[number])
        joined = self.joined(F.relu(joined))  # (B, F, H/4, W/4)
        kernel = F.pixel_shuffle(self.kernel(joined), 2)[:, 0]  # (B, H/2, W/2)
        return kernel, self.geometry(joined)


class BinPool(nn.Module):
    """Averages over overlapping parts of a word: its beginning, ..., its end.

    Position p in [0, 1] counts for the bin at c with 1 - |p - c| * (bins - 1), if above 0.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """x (B, C, T), of which the first `lengths` (B,) columns count -> (B, C * bins)."""
        batch, channels, columns = x.shape
        place = torch.arange(columns, device=x.device, dtype=torch.float32) + 0.5
        place = place / columns if lengths is None else place / lengths[:, None]  # ([B,] T)
        centres = torch.linspace(0, 1, self.bins, device=x.device)
        weights = F.relu(1 - (place[..., None] - centres).abs() * (self.bins - 1))
        weights = weights * (place < 1)[..., None]
        weights = weights / weights.sum(dim=-2, keepdim=True).clamp(min=1e-6)  # ([B,] T, bins)
        pooled = x @ weights.to(x.dtype)  # (B, C, bins)
        return pooled.reshape(batch, channels * self.bins)


def standardised(strips: Tensor) -> Tensor:
    """Bytes (N, 3, 32, W) of `spotting.strips.as_input`, channels first -> what they stand for."""
    return (strips.float() - MIDDLE) / PER_DEVIATION


class StripEncoder(nn.Module):
    """A word's strip, 32 px high, to its vector and the likelihood of characters per column."""

    def __init__(self, config: SpotterConfig) -> None:
        super().__init__()
        first, second, third = config.strip
        width = config.sequence
        self.picture = nn.Sequential(
            step(3, first, 2),
            step(first, first),
            step(first, second, 2),
            Residual(second),
            step(second, third, (2, 1)),
            Residual(third),
            nn.Conv2d(third, width, (4, 1), bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.columns = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, width, 5, padding=2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(inplace=True),
            )
            for _ in range(3)
        )
        self.characters = nn.Conv1d(width, CLASSES, 1)
        self.pool: nn.Module = BinPool(config.bins)
        self.dim = config.dim
        self.vector = nn.Sequential(
            nn.Linear(config.bins * width, 256), nn.ReLU(inplace=True), nn.Linear(256, config.dim)
        )

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor]:
        """`standardised` strips (N, 3, 32, W) -> unit vectors (N, D) and logarithms of
        probabilities (N, W/4, classes)."""
        x = self.picture(strips).squeeze(2)  # (N, C, W/4)
        for block in self.columns:
            x = x + block(x)
        logs = F.log_softmax(self.characters(x).transpose(1, 2).float(), dim=-1)
        vectors = self.vector(self.pool(x)).float()  # (N, D)
        return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12), logs


class QueryTower(nn.Module):
    """Any string of 1 to 25 characters to its vector.

    It has no memory of words: what it computes is made of characters, their neighbours and their
    place in the word.
    """

    def __init__(self, config: SpotterConfig) -> None:
        super().__init__()
        width = config.letters
        self.letter = nn.Embedding(END + 1, 48, padding_idx=PAD)
        self.around = nn.Conv1d(48, width, 3, padding=1)
        self.wider = nn.Conv1d(width, width, 3, padding=1)
        self.pool = BinPool(config.bins)
        self.vector = nn.Sequential(
            nn.Linear(config.bins * width, 256), nn.ReLU(inplace=True), nn.Linear(256, config.dim)
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (B, 27) of `spotting.alphabet.query_ids` -> unit vectors (B, D)."""
        there = (ids != PAD).float()  # (B, 27)
        mask = there[:, None]
        x = self.letter(ids).transpose(1, 2) * mask  # (B, 48, 27)
        x = F.relu(self.around(x)) * mask
        x = (x + F.relu(self.wider(x))) * mask  # (B, C, 27)
        lengths = there.sum(dim=1).clamp(min=1.0)
        vectors = self.vector(self.pool(x, lengths))  # (B, D)
        return F.normalize(vectors.float(), dim=-1)


class Spotter(nn.Module):
    """All parts, and the temperature of the contrastive loss."""

    def __init__(self, config: SpotterConfig) -> None:
        super().__init__()
        self.finder = Finder(config)
        self.strips = StripEncoder(config)
        self.query = QueryTower(config)
        self.logit_scale = nn.Parameter(torch.tensor(3.0))  # e^3 = 20

    def scale(self) -> Tensor:
        """What cosines are multiplied with in the contrastive loss."""
        return self.logit_scale.exp().clamp(max=MAX_SCALE)
