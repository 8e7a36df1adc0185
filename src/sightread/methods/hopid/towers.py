"""HOPID as it serves: CLIP's two towers, and three small graphs that let written words count."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightread.clip import towers as plain
from sightread.clip.model import CLIP
from sightread.errors import UsageError
from sightread.methods.hopid.caption import Read
from sightread.methods.hopid.dei import Dei
from sightread.methods.hopid.model import HOPID, Seen, look
from sightread.methods.method import SceneTextTowers, Towers


def make_towers(model: HOPID) -> Towers:
    """What is exported.

    Raises:
        UsageError: pictures without text would not be plain CLIP's, or entities of captions are not
            looked for, or in a way that needs the picture.
    """
    config = model.config
    if not config.exact:
        raise UsageError(
            f'The preset "{config.preset}" with image_gate "{config.image_gate}", text_gate '
            f'"{config.text_gate}" and prompt {str(config.prompt).lower()} is for studies: only '
            '"clip_residual" with both gates "exact", which leaves pictures without text as CLIP '
            "has them, and with the text prompt can be exported."
        )
    if config.dei == "oracle":
        raise UsageError(
            'Entities of the "oracle" are known from the picture that is looked for: train with '
            'method.model.dei "bigru" to export a model.'
        )
    two = config.scene_text.passes == "two"
    scene_text = SceneTextTowers(
        written=WrittenTower(model).eval(),
        tag=TagTower(model).eval(),
        caption=CaptionTower(model).eval(),
        details={**config.scene_text.to_json(), "patches": model.side},
        two_passes=two,
    )
    image = ImageTower(model.clip).eval()
    text = plain.TextTower(model.clip).eval()
    return Towers(image, text, model.clip.config.embed_dim, scene_text=scene_text)


class ImageTower(nn.Module):
    """Plain CLIP: pixels -> the unit vector, and the patches."""

    def __init__(self, clip: CLIP) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) -> (B, C), rows of unit length, and (B, P * P, W)."""
        return look(self.clip, pixels)


class WrittenTower(nn.Module):
    """A picture and the words read in it -> V."""

    def __init__(self, model: HOPID) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        vector: Tensor,
        patches: Tensor,
        words: Tensor,
        boxes: Tensor,
        pooling: Tensor,
        raw: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """V of one picture that has words.

        Args:
            vector: (1, C) of the picture with its marks.
            patches: (1, P * P, W) of the picture with its marks; with two passes, of the picture as
                it is.
            words: (1, N, 256), `boxes` (1, N, 4), `pooling` (1, N, P * P), N at least 1.
            raw: with two passes (1, C), of the picture as it is.

        Returns:
            (1, C) of unit length; (1, N) how much each word counts among the words; (1,) how much
            they count.
        """
        keep = torch.ones_like(words[..., 0], dtype=torch.bool)
        base = vector if raw is None else raw
        found = self.model.see(Seen(base, vector, patches, words, boxes, pooling, keep))
        return found.vector, found.distilled.relevance, found.gate


class TagTower(nn.Module):
    """Words of a caption -> the probability that each is scene text."""

    def __init__(self, model: HOPID) -> None:
        super().__init__()
        self.dei: Dei | None = model.dei if model.config.dei == "bigru" else None
        self.fixed = float(model.config.dei == "all")

    def forward(self, words: Tensor) -> Tensor:
        """(1, L, 256) -> (1, L)."""
        if self.dei is None:
            return words[..., 0] * 0 + self.fixed
        return self.dei.probabilities(words)


class CaptionTower(nn.Module):
    """A caption that names something, and its prompt -> T."""

    def __init__(self, model: HOPID) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, vector: Tensor, prompt: Tensor, words: Tensor, entities: Tensor, at: Tensor
    ) -> Tensor:
        """(1, C) of caption and prompt, words (1, L, 256), entities (1, J, 256) and the word that
        each ends with, (1, J) int64 -> (1, C) of unit length."""
        keep = torch.ones_like(words[..., 0], dtype=torch.bool)
        named = torch.ones_like(entities[..., 0], dtype=torch.bool)
        return self.model.read(Read(vector, prompt, words, keep, entities, at, named))
