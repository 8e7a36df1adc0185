"""Discriminative entity inferring: which words of a caption are probably written in its picture
(section 6.7).

The paper tags words with BERT. No weights of BERT are at hand, so that this is the light variant of
the specification: a GRU in both directions over spelled words. It is trained once, on weak labels
of the training split, and frozen; it never looks at the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from sightread.methods.hopid.labels import IGNORED
from sightread.methods.hopid.tokens import levelled
from sightread.scenetext.wordvectors import WIDTH, word_vectors

HIDDEN = 48
BATCH = 64
LR = 3e-3
UNKNOWN = 0.15
"""Share of words that training hides, so that names are known by what stands round them."""
POSITIVE = 2.0
"""How much more a written word counts in the loss."""
HELD_OUT = 0.1
_PATIENCE = 3


class Dei(nn.Module):
    """A tagger: spelled words -> whether each is scene text."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown = nn.Parameter(torch.zeros(WIDTH))
        self.gru = nn.GRU(WIDTH, HIDDEN, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * HIDDEN, 2)

    def forward(self, words: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (B, L, 2), no and yes, of words (B, L, 256).

        Args:
            lengths: (B,) on the CPU, at least 1: what is behind is padding; None: nothing is.
        """
        if lengths is None:
            return cast(Tensor, self.out(self.gru(levelled(words))[0]))
        packed = pack_padded_sequence(
            levelled(words), lengths, batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(
            self.gru(packed)[0], batch_first=True, total_length=words.shape[1]
        )
        return cast(Tensor, self.out(states))

    def probabilities(self, words: Tensor) -> Tensor:
        """(B, L) that each of the words (B, L, 256) is scene text; no padding."""
        return cast(Tensor, self(words).softmax(-1)[..., 1])


@torch.no_grad()
def tag(dei: Dei, captions: Sequence[Sequence[str]]) -> list[list[float]]:
    """The probability of each word of each caption; captions may be empty."""
    device = dei.unknown.device
    found: list[list[float]] = [[] for _ in captions]
    order = [at for at, words in enumerate(captions) if words]
    for first in range(0, len(order), 256):
        some = order[first : first + 256]
        words, lengths = _padded([captions[at] for at in some])
        sure = dei(words.to(device), lengths).softmax(-1)[..., 1].cpu()
        for at, row in zip(some, sure, strict=True):
            found[at] = row[: len(captions[at])].tolist()
    return found


def _padded(captions: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
    rows = [torch.from_numpy(word_vectors(words)) for words in captions]
    return pad_sequence(rows, batch_first=True), torch.tensor([len(words) for words in captions])


def fit(
    dei: Dei,
    captions: Sequence[Sequence[str]],
    labels: Sequence[Sequence[int]],
    epochs: int,
    seed: int = 0,
) -> float:
    """Train the tagger in place and leave it in eval mode.

    Args:
        captions: words of captions of the training split.
        labels: of `labels.weak_labels`, one for each word.
        epochs: at most; it stops when the words of a tenth of the captions, which it does not learn
            from, are not tagged better for three epochs, and keeps the best weights.

    Returns:
        F1 of these words (0 if none of them is positive).
    """
    kept = [at for at, words in enumerate(captions) if words]
    rng = np.random.default_rng([seed, 61])
    order = [kept[at] for at in rng.permutation(len(kept))]
    split = int(len(order) * HELD_OUT)
    held, rest = order[:split] or order, order[split:]
    # The caller's generator is left as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _fit(dei, captions, labels, (rest, held), epochs, rng)


def _fit(
    dei: Dei,
    captions: Sequence[Sequence[str]],
    labels: Sequence[Sequence[int]],
    parts: tuple[list[int], list[int]],
    epochs: int,
    rng: np.random.Generator,
) -> float:
    rest, held = parts
    optimizer = torch.optim.AdamW(dei.parameters(), lr=LR)
    best, since = -1.0, 0
    state = {name: value.clone() for name, value in dei.state_dict().items()}
    for _ in range(epochs):
        dei.train()
        shuffled = [rest[at] for at in rng.permutation(len(rest))]
        for first in range(0, len(shuffled), BATCH):
            some = shuffled[first : first + BATCH]
            loss = _loss(dei, [captions[at] for at in some], [labels[at] for at in some])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        dei.eval()
        score = word_f1(tag(dei, [captions[at] for at in held]), [labels[at] for at in held])
        if score > best or best <= 0:  # it has not begun to learn yet
            best, since = score, 0
            state = {name: value.clone() for name, value in dei.state_dict().items()}
        else:
            since += 1
        if since >= _PATIENCE or best == 1.0:
            break
    dei.load_state_dict(state)
    dei.eval()
    return max(best, 0.0)


def _loss(dei: Dei, captions: Sequence[Sequence[str]], labels: Sequence[Sequence[int]]) -> Tensor:
    words, lengths = _padded(captions)
    words = words.to(dei.unknown.device)
    hidden = torch.rand(words.shape[:2]) < UNKNOWN
    words = torch.where(hidden[..., None].to(words.device), dei.unknown, words)
    target = pad_sequence(
        [torch.tensor(row) for row in labels], batch_first=True, padding_value=IGNORED
    )
    target = target.to(words.device)
    weight = words.new_tensor([1.0, POSITIVE])
    logits = dei(words, lengths).flatten(0, 1)
    wanted = target.flatten()
    if not (wanted != IGNORED).any():
        return cast(Tensor, logits.sum() * 0.0)
    return F.cross_entropy(logits, wanted, weight, ignore_index=IGNORED)


def word_f1(tagged: Sequence[Sequence[float]], labels: Sequence[Sequence[int]]) -> float:
    """F1 of words at a threshold of 0.5, ignored ones left out; 0 if nothing is right."""
    right = wrong = missed = 0
    for row, wanted in zip(tagged, labels, strict=True):
        for probability, label in zip(row, wanted, strict=True):
            right += probability >= 0.5 and label == 1
            wrong += probability >= 0.5 and label == 0
            missed += probability < 0.5 and label == 1
    return 2 * right / max(2 * right + wrong + missed, 1)
