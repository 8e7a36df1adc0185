"""MMAE: what the experts make of a picture, a text and its explanation (section 5.3)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.experts import ExpertBank, gated


class Tokens(NamedTuple):
    """What a tower makes of a picture or text, in the joint space, not normalised.

    Attributes:
        rows: (B, N, D), every token.
        first: (B, D), the one that stands for the whole: the class token, or that at [EOT].
        keep: (B, N) bool, which tokens experts may read; None: all.
    """

    rows: Tensor
    first: Tensor
    keep: Tensor | None = None

    def take(self, index: Tensor) -> Tokens:
        """Those of other samples: row b is row `index[b]`, (B,), of this one."""
        keep = None if self.keep is None else self.keep[index]
        return Tokens(self.rows[index], self.first[index], keep)


class Features(NamedTuple):
    """Answers of the experts: `image` (B, v, D) and `text` (B, t, D) of each side by itself,
    `image_shared` and `text_shared` (B, s, D) of each side with the explanation."""

    image: Tensor
    image_shared: Tensor
    text: Tensor
    text_shared: Tensor

    def stacked(self) -> Tensor:
        """F = [F_v ; F_t], (B, v + t + 2 s, D)."""
        return torch.cat([self.image, self.image_shared, self.text, self.text_shared], 1)


class Experts(Protocol):
    """`Mmae` or `NoMmae`. `features` is how many vectors `Features.stacked` has."""

    features: int

    def image(self, image: Tokens) -> Tensor:
        """(B, v, D)."""

    def text(self, text: Tokens) -> Tensor:
        """(B, t, D)."""

    def image_shared(self, image: Tokens, explanation: Tokens) -> Tensor:
        """(B, s, D)."""

    def text_shared(self, text: Tokens, explanation: Tokens) -> Tensor:
        """(B, s, D)."""

    def mixed(
        self, image: Tokens, text: Tokens, explanation: Tokens, features: Features
    ) -> tuple[Tensor, Tensor]:
        """V* and T*, (B, D) each."""


def all_features(experts: Experts, image: Tokens, text: Tokens, explanation: Tokens) -> Features:
    """What all experts make of B triples."""
    return Features(
        experts.image(image),
        experts.image_shared(image, explanation),
        experts.text(text),
        experts.text_shared(text, explanation),
    )


class Mmae(nn.Module):
    """Three groups of experts, and a gate for each side.

    The explanation experts have one set of weights for both sides. The gates ask the class tokens
    as they are, not normalised.

    Args:
        width: D.
    """

    def __init__(self, config: EntityClipConfig, width: int) -> None:
        super().__init__()
        v, s, t = config.image_experts, config.explanation_experts, config.text_experts
        self.features = v + t + 2 * s
        self.width = width
        self.image_sees_explanation = config.image_sees_explanation
        self.image_bank = ExpertBank(v, width) if v else None
        self.shared_bank = ExpertBank(s, width) if s else None
        self.text_bank = ExpertBank(t, width) if t else None
        self.image_gate: nn.Linear | None = None
        self.text_gate: nn.Linear | None = None
        if config.expert_weight:
            self.image_gate = nn.Linear(width, v + s if config.image_sees_explanation else v)
            self.text_gate = nn.Linear(width, t + s)

    def image(self, image: Tokens) -> Tensor:
        """Expert_i(V, V)[:, 0]."""
        return self._ask(self.image_bank, image, image)

    def text(self, text: Tokens) -> Tensor:
        """Expert_i(T, T)[EOT], without a causal mask."""
        return self._ask(self.text_bank, text, text)

    def image_shared(self, image: Tokens, explanation: Tokens) -> Tensor:
        """Expert_i(V, E)[:, 0]."""
        return self._ask(self.shared_bank, image, explanation)

    def text_shared(self, text: Tokens, explanation: Tokens) -> Tensor:
        """Expert_i(T, E)[EOT]."""
        return self._ask(self.shared_bank, text, explanation)

    def mixed(
        self, image: Tokens, text: Tokens, explanation: Tokens, features: Features
    ) -> tuple[Tensor, Tensor]:
        """V* = sum_k w_v[k] F_v[k] with w_v = softmax(Linear(V_cls)), and T* likewise."""
        del explanation
        assert self.image_gate is not None, "the experts were built for expert_weight = 0"
        assert self.text_gate is not None
        seen = [features.image]
        if self.image_sees_explanation:
            seen.append(features.image_shared)
        read = torch.cat([features.text, features.text_shared], 1)
        return (
            gated(self.image_gate, image.first, torch.cat(seen, 1)),
            gated(self.text_gate, text.first, read),
        )

    def _ask(self, bank: ExpertBank | None, asking: Tokens, read: Tokens) -> Tensor:
        if bank is None:
            return asking.first.new_empty(asking.first.shape[0], 0, self.width)
        answers: Tensor = bank(asking.first, read.rows, read.keep)
        return answers


class NoMmae(nn.Module):
    """The ablation (A9): V* = V_cls, T* = t + e (unit vectors), and the head of GI-ITM sees the
    three vectors as they are. An empty explanation is the zero vector here."""

    features: int = 3

    def image(self, image: Tokens) -> Tensor:
        """V_cls."""
        return image.first[:, None]

    def text(self, text: Tokens) -> Tensor:
        """T_cls."""
        return text.first[:, None]

    def image_shared(self, image: Tokens, explanation: Tokens) -> Tensor:
        """Nothing."""
        del explanation
        return image.first[:, None][:, :0]

    def text_shared(self, text: Tokens, explanation: Tokens) -> Tensor:
        """E_cls."""
        del text
        return explanation.first[:, None]

    def mixed(
        self, image: Tokens, text: Tokens, explanation: Tokens, features: Features
    ) -> tuple[Tensor, Tensor]:
        """V_cls and t + e."""
        del features
        added = F.normalize(text.first, dim=-1) + F.normalize(explanation.first, dim=-1)
        return image.first, added
