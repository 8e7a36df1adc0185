"""The caption's side: a GRU over its words, the prompt, and the binding of entities (6.8, 6.9)."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from sightread.methods.hopid.config import HopidConfig
from sightread.methods.hopid.fusion import Fusion
from sightread.methods.hopid.tokens import Binding, levelled
from sightread.scenetext.wordvectors import WIDTH

WORD_WIDTH = 300


class Read(NamedTuple):
    """B captions. `vector` (B, C): CLIP's own, of unit length; `prompt` (B, C): that of the prompt,
    0 where there is none; `words` (B, L, 256) and which are there, `keep` (B, L); `entities`
    (B, J, 256), spelled, `at` (B, J): the word that each ends with, and which there are, `named`
    (B, J). A caption has one word at least."""

    vector: Tensor
    prompt: Tensor
    words: Tensor
    keep: Tensor
    entities: Tensor
    at: Tensor
    named: Tensor


class CaptionSide(nn.Module):
    """q = Fusion3(h_T, P', delta): P' = W_P P [+ W_E mean p_j + W_O sum o_j * p_j] [+ u].

    h_T is the last state of the GRU, u = LN(sum_j (B_p p_j) * tanh(B_c h_at(j))), o_j signs that
    tell the first entity from the second, and delta says whether there are entities.

    Args:
        config: the switches.
        clip_width: C.
    """

    order: Tensor

    def __init__(self, config: HopidConfig, clip_width: int) -> None:
        super().__init__()
        d = config.width
        self.config = config
        self.embed = nn.Linear(WIDTH, WORD_WIDTH)
        self.gru = nn.GRU(WORD_WIDTH, d, batch_first=True)
        self.whole = nn.Linear(clip_width, d) if config.caption_encoder != "gru" else None
        self.prompt: nn.Linear | None = None
        self.spelled: nn.Linear | None = None
        self.binding: Binding | None = None
        if config.prompt:
            self.prompt = nn.Linear(clip_width, d)
            self.spelled = nn.Linear(2 * WIDTH, d, bias=False) if config.prompt_words else None
            self.binding = Binding(WIDTH, d, d) if config.bind else None
        self.fusion = Fusion(d, config.fusion)
        drawn = torch.rand(
            (config.scene_text.most_entities, WIDTH), generator=torch.Generator().manual_seed(6)
        )
        self.register_buffer("order", (drawn < 0.5).float() * 2 - 1, persistent=False)

    def forward(self, read: Read) -> Tensor:
        """-> q (B, d)."""
        states = self.gru(self.embed(levelled(read.words)))[0]  # (B, L, d)
        told = self._told(read, states)
        if self.prompt is None:
            return cast(
                Tensor, self.fusion(told, torch.zeros_like(told), told.new_zeros(len(told)))
            )
        some = read.named.any(1)
        return cast(Tensor, self.fusion(told, self._prompted(read, states), some))

    def _told(self, read: Read, states: Tensor) -> Tensor:
        """What the caption says as a whole (B, d)."""
        rows = torch.arange(len(states), device=states.device)
        last = states[rows, read.keep.sum(1) - 1]
        if self.whole is None:
            return last
        whole = cast(Tensor, self.whole(levelled(read.vector)))
        return whole if self.config.caption_encoder == "clip" else last + whole

    def _prompted(self, read: Read, states: Tensor) -> Tensor:
        """P' (B, d)."""
        assert self.prompt is not None
        found = self.prompt(levelled(read.prompt))
        there = read.named[..., None].to(states.dtype)  # (B, J, 1)
        if self.spelled is not None:
            count = there.sum(1).clamp(min=1)
            mean = (read.entities * there).sum(1) / count
            signs = self.order[: read.entities.shape[1]]
            marked = (read.entities * there * signs).sum(1)
            found = found + self.spelled(levelled(torch.cat([mean, marked], -1)))
        if self.binding is not None:
            at = read.at[..., None].expand(-1, -1, states.shape[-1])
            bearers = states.gather(1, at)  # (B, J, d)
            bound = self.binding.product(read.entities, bearers) * there
            found = found + self.binding.norm(bound.sum(1))
        return cast(Tensor, found)
