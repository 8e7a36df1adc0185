"""EntityCLIP: "Entity-Centric Image-Text Matching via Multimodal Attentive Contrastive Learning"
(Wang et al., SIGIR 2025, arXiv 2410.17810).

CLIP learns names from captions of the news while a branch reads an explanation of each caption:
experts mix picture, text and explanation (MMAE), a head says whether they belong together (GI-ITM).
The branch only teaches. What serves is CLIP: one vector per picture, one per text.

| step | here | specification |
|---|---|---|
| V, T, E: every token in the joint space | `EntityCLIP.see`, `read`, `explain` | 5.1 |
| one expert | `experts.ExpertBank` | 5.2 |
| three groups of experts, dense gates, V* and T* | `mmae.Mmae` | 5.3 |
| gate over all features, match or mismatch | `EntityCLIP.match`, `MatchingHead` | 5.4 |
| L = L_VTC(V_cls, T_cls) + eta L_GI-ITM + lambda L_VTC(V*, T*) | `recipe.losses`, `losses` | 6 |
| hard negatives | `losses.draw_negatives`, `EntityCLIP.match_wrong` | 6, 10.3, 10.6 |
| the dual encoder | `towers` | 8 |

Deviations, each from the published code, whose defects section 10 lists; a switch of
`EntityClipConfig` brings the original back where there is one:

* what stands behind the end of a text is not read by experts (`padding = "attend"` reads it);
* a negative text is read at its own end, not at that of the text that it replaces;
* a pair is never its own negative, nor is one with the same caption;
* cross entropy in float32, the temperature at most ln 100, weights in float32 (10.4, 10.7, 10.9);
* one query per expert and features that negatives share: the same numbers, computed once (12.2).
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from sightread.clip.model import CLIP, VisionTransformer
from sightread.errors import UsageError
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.experts import gated
from sightread.methods.entityclip.losses import Negatives
from sightread.methods.entityclip.mmae import Experts, Features, Mmae, NoMmae, Tokens, all_features

MAX_SCALE = 100.0


class MatchingHead(nn.Module):
    """g = softmax(Linear([V_cls ; T_cls])), z = sum_k g[k] F[k], logits = Linear(z).

    Args:
        features: how many vectors F has.
        width: D.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * width, features)
        self.head = nn.Linear(width, 2)

    def forward(self, image: Tensor, text: Tensor, features: Tensor) -> Tensor:
        """Class tokens (B, D) and F (B, n, D) -> logits (B, 2): match, mismatch."""
        mixed = gated(self.gate, torch.cat([image, text], -1), features)
        return cast(Tensor, self.head(mixed))


class EntityCLIP(nn.Module):
    """CLIP with the branch that teaches it.

    Args:
        clip: with a vision transformer; all of it learns.
        config: the switches. What they leave unused is not built.

    Raises:
        UsageError: the backbone is a ResNet.
    """

    def __init__(self, clip: CLIP, config: EntityClipConfig) -> None:
        super().__init__()
        if not isinstance(clip.visual, VisionTransformer):
            raise UsageError(
                f"EntityCLIP needs a vision transformer, and {clip.config.name} is a ResNet"
            )
        self.clip, self.config = clip, config
        width = clip.config.embed_dim
        self.mmae: Mmae | NoMmae | None = None
        self.matching: MatchingHead | None = None
        if config.branch:
            self.mmae = Mmae(config, width) if config.mmae else NoMmae()
        if config.matching and self.mmae is not None:
            self.matching = MatchingHead(self.mmae.features, width)

    @property
    def experts(self) -> Experts:
        """What reads the tokens; only where the branch was built."""
        assert self.mmae is not None, "there is no branch"
        return self.mmae

    @property
    def scale(self) -> Tensor:
        """exp of the temperature, scalar, at most 100."""
        return self.clip.logit_scale.clamp(max=math.log(MAX_SCALE)).exp()

    def see(self, images: Tensor) -> Tokens:
        """(B, 3, S, S), normalised pixels -> V, the class token first."""
        rows = cast(VisionTransformer, self.clip.visual).tokens(images)
        return Tokens(rows, rows[:, 0])

    def read(self, ids: Tensor) -> Tokens:
        """Token ids (B, T) -> T, with the token at [EOT] for the whole."""
        return self.placed(self.clip.encode_text_tokens(ids), ids)

    def placed(self, rows: Tensor, ids: Tensor) -> Tokens:
        """The tokens (B, T, D) of texts with these ids (B, T): where each ends, what is read."""
        end = ids.argmax(-1)
        first = rows[torch.arange(ids.shape[0], device=ids.device), end]
        keep = None
        if self.config.padding == "mask":
            keep = torch.arange(ids.shape[1], device=ids.device) <= end[:, None]
        return Tokens(rows, first, keep)

    def explain(self, ids: Tensor, explained: Tensor) -> Tokens:
        """Explanations (B, T') as tokens; `explained` (B,) says which are not empty."""
        return self.emptied(self.read(ids), explained)

    def emptied(self, explanation: Tokens, explained: Tensor) -> Tokens:
        """An empty explanation, where `explained` (B,) is False, is the text "" ([SOT] [EOT]) to
        the experts, and the zero vector where vectors are added."""
        first = explanation.first * explained[:, None].to(explanation.first.dtype)
        return explanation._replace(first=first)

    def features(self, image: Tokens, text: Tokens, explanation: Tokens) -> Features:
        """What the experts make of B triples."""
        return all_features(self.experts, image, text, explanation)

    def match(self, image: Tokens, text: Tokens, features: Features) -> Tensor:
        """Logits (B, 2) of the triples that `features` are of."""
        assert self.matching is not None, "the model was built without GI-ITM"
        return cast(Tensor, self.matching(image.first, text.first, features.stacked()))

    def match_wrong(
        self,
        image: Tokens,
        text: Tokens,
        explanation: Tokens,
        features: Features,
        negatives: Negatives,
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, 2) with a wrong text, and with a wrong image.

        An explanation follows its text. Only what the explanation experts make of a wrong image is
        new; all else is among the features of the right triples.
        """
        n, m = negatives.text, negatives.image
        wrong_text, its_explanation, wrong_image = text.take(n), explanation.take(n), image.take(m)
        with_text = Features(
            features.image,
            self.experts.image_shared(image, its_explanation),
            features.text[n],
            features.text_shared[n],
        )
        with_image = Features(
            features.image[m],
            self.experts.image_shared(wrong_image, explanation),
            features.text,
            features.text_shared,
        )
        return self.match(image, wrong_text, with_text), self.match(wrong_image, text, with_image)

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """CLIP's parameters, and those of the branch."""
        own = {id(parameter) for parameter in self.clip.parameters()}
        new = [parameter for parameter in self.parameters() if id(parameter) not in own]
        return list(self.clip.parameters()), new
