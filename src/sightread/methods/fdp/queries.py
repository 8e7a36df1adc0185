"""The query side of FDP: words told apart by clusters, and a prompt for each kind."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.model import CLIP
from sightread.errors import UsageError
from sightread.methods.fdp.config import FdpConfig

FUNCTION, CONTENT = 0, 1


def fit_clusters(
    features: Tensor, words: Sequence[str], anchors: tuple[str, str], seed: int
) -> Tensor:
    """Split words in two by k-means on their CLIP text features (section 5.1).

    Args:
        features: (n, D) of the bare words, not normalised.
        words: n words, the anchors among them.
        anchors: a word of the function cluster and one of the content cluster.
        seed: of k-means, 10 restarts (Q8).

    Returns:
        Centroids (2, D): `FUNCTION`, `CONTENT`.

    Raises:
        UsageError: an anchor is not among the words, or both fall into one cluster.
    """
    from sklearn.cluster import KMeans

    for anchor in anchors:
        if anchor not in words:
            raise UsageError(f'the word list lacks the anchor "{anchor}": add it to the list')
    means = KMeans(2, n_init=10, random_state=seed).fit(features.float().cpu().numpy())
    first, second = (int(means.labels_[list(words).index(anchor)]) for anchor in anchors)
    if first == second:
        raise UsageError(
            f'k-means puts "{anchors[0]}" and "{anchors[1]}" into one cluster, so function and '
            f"content words cannot be told apart: choose other anchors or another word list"
        )
    centres = torch.from_numpy(means.cluster_centers_).float()
    return torch.stack([centres[first], centres[second]])


class Prompts(nn.Module):
    """Semantic-aware prompting (section 5.2): learned context before the query.

    [SOT] ctx_1 .. ctx_n  tokens(query)  "."  [EOT], with n = 2 for function and 4 for content
    words; the contexts are the only parameters that learn.
    """

    function_context: nn.Parameter
    content_context: nn.Parameter

    def __init__(self, config: FdpConfig, width: int, dot_token: int) -> None:
        super().__init__()
        self.function_context = nn.Parameter(torch.randn(config.function_context, width) * 0.02)
        self.content_context = nn.Parameter(torch.randn(config.content_context, width) * 0.02)
        self.dot_token = dot_token

    def contexts(self) -> tuple[Tensor, Tensor]:
        """Both contexts padded to one length (2, n, W), and their true lengths (2,)."""
        pair = (self.function_context, self.content_context)
        longest = max(len(context) for context in pair)
        padded = [F.pad(context, (0, 0, 0, longest - len(context))) for context in pair]
        lengths = torch.tensor([len(c) for c in pair], device=pair[0].device)
        return torch.stack(padded), lengths

    def forward(self, clip: CLIP, tokens: Tensor, cluster: Tensor) -> tuple[Tensor, Tensor]:
        """Lay out prompted queries.

        Args:
            clip: gives the token embeddings.
            tokens: (B, T) ids of the bare queries, [SOT] first; [EOT] is the highest id.
            cluster: (B,) `FUNCTION` or `CONTENT`.

        Returns:
            Token embeddings (B, T, W) without positions, and the index of [EOT] (B,). A query
            that leaves no room for its prompt is cut short.
        """
        room = tokens.shape[1]
        contexts, lengths = self.contexts()
        count = lengths[cluster][:, None]  # (B, 1)
        end = tokens.argmax(-1, keepdim=True)  # (B, 1)
        body = torch.minimum(end - 1, room - 3 - count)  # (B, 1) tokens of the query
        embedded = clip.embed_tokens(tokens)  # (B, T, W)
        place = torch.arange(room, device=tokens.device)[None]  # (1, T)

        shifted = _rows(embedded, (place - count).clamp(0, room - 1))  # (B, T, W)
        context = contexts[cluster]  # (B, n, W)
        context = _rows(
            context, (place - 1).clamp(0, context.shape[1] - 1).expand(tokens.shape[0], -1)
        )
        dot = clip.embed_tokens(torch.full_like(tokens[:1, :1], self.dot_token))  # (1, 1, W)
        close = _rows(embedded, end)  # (B, 1, W)

        stop = count + body + 1  # (B, 1) index of "."
        x = torch.where(((place >= 1) & (place <= count))[..., None], context, shifted)
        x = torch.where((place == stop)[..., None], dot, x)
        x = torch.where((place == stop + 1)[..., None], close, x)
        return x, (stop + 1)[:, 0]


def _rows(values: Tensor, index: Tensor) -> Tensor:
    """values (B, T, W) at index (B, t) -> (B, t, W)."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))


def nearest_cluster(features: Tensor, centroids: Tensor) -> Tensor:
    """(B, D) and (2, D) -> (B,) int64. By squared distance, as k-means decides."""
    distance = (features[:, None] - centroids[None]).square().sum(-1)  # (B, 2)
    return distance.argmin(-1)
