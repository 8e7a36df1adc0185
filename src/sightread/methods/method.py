"""A method as the lab sees it: a record of functions. There is no base class.

The lab trains, exports and measures any record of this form; it knows nothing else about FDP,
EntityCLIP or HOPID. Every function takes the method's own frozen configuration first, so that
nothing depends on what was called before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray
from torch import Tensor, nn

from sightread.preprocess import PreprocessSpec
from sightread.tokenizer import TokenizerSource

C = TypeVar("C")
M = TypeVar("M", bound=nn.Module)

Batch = Mapping[str, Any]
"""What one call of `losses` gets: tensors on the CPU (the loop moves them) and anything else. The
first tensor has the B examples of the batch as its first dimension; the loop counts them."""

Batches = Callable[[int], Batch]
"""Batch number n, from 0 on without end. The same n gives the same batch, in any order and in any
process: that is what makes resuming exact, and lets several processes share the work."""

Losses = dict[str, Tensor]
"""Scalars by name, among them "total": the weighted sum that is minimised. The method makes the
sum, since the weights are part of its configuration; the others are printed as they are."""


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters that share a learning rate (at the start; the schedule scales it) and a weight
    decay. Parameters in no group are frozen by the loop."""

    name: str
    parameters: Sequence[nn.Parameter]
    lr: float
    weight_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class SceneTextTowers:
    """What is exported besides of a dual encoder whose vectors depend on the words read in a
    picture, and on those of a caption that are scene text; see `encoders.scene_text`. Modules in
    eval mode; one picture or caption at a time, with any number of words from one on.

    Attributes:
        written: vector (1, C) and patches (1, P*P, W) of the picture (of the marked one), words
            (1, N, 256) of `scenetext.wordvectors`, their boxes (1, N, 4) and pooling (1, N, P*P)
            of `scenetext.places` [, vector (1, C) of the picture without marks] -> vector (1, C)
            of unit length, weights (1, N) that sum to at most 1, gate (1,) in [0, 1].
        tag: words of a caption (1, L, 256) -> probability (1, L) that each is scene text.
        caption: vector (1, C) of the caption and of its prompt (1, C), words (1, L, 256),
            entities (1, J, 256) and where each begins, (1, J) int64 -> vector (1, C) of unit
            length.
        details: what serving has to know, as `encoders.scene_text.Details` reads it.
        two_passes: whether `written` takes the vector without marks.
    """

    written: nn.Module
    tag: nn.Module
    caption: nn.Module
    details: Mapping[str, Any]
    two_passes: bool = False


@dataclass(frozen=True, slots=True)
class Towers:
    """What is exported: two modules in eval mode that share no state with training.

    Attributes:
        image: pixels (B, 3, S, S) float32, preprocessed -> embeddings (B, D) of unit length; with
            `text_map`, a pair of these and the probability of text (B, h, w) in [0, 1], cells of
            equal size that cover the input.
        text: token ids (B, T) int64 as `tokenizer.Tokenizer` lays them out -> embeddings (B, D)
            of unit length.
        dim: D.
        text_map: whether the image tower gives the map.
        text_threshold: cells of the map at or above it are taken for text.
        matcher: re-ranks, see `encoders.matching`. With it, each tower gives a pair: the
            embeddings, and the tokens, (B, N, D) of pictures and (B, T, D) of texts. Tokens of K
            pictures, tokens (1, T, D) and ids (1, T) of a text, the same of its explanation ->
            log odds (K,) that they belong together.
        scale: with a matcher, what cosines are multiplied with to be on the scale of logits.
        scene_text: lets words count. With it the image tower gives a pair: the embeddings, and
            the patches (B, P*P, W); the text tower takes rows of ids that end anywhere behind
            the end of the text.
    """

    image: nn.Module
    text: nn.Module
    dim: int
    text_map: bool = False
    text_threshold: float = 0.5
    matcher: nn.Module | None = None
    scale: float | None = None
    scene_text: SceneTextTowers | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What is exported of a word spotter: three modules in eval mode, see `readers.spotter`.

    Attributes:
        finder: pixels (B, H, W, 3) uint8, sides multiples of 32 -> probability of kernels
            (B, H/2, W/2) and geometry (B, 3, H/4, W/4), see `spotting.maps`.
        strips: (N, 32, W, 3) uint8 of `spotting.strips.as_input` -> unit vectors (N, D) and
            logarithms of probabilities (N, W/4, classes).
        text: token ids (B, T) int64 -> unit vectors (B, D).
        dim: D.
        samples: typical inputs of the finder and of the strip encoder, to find out which range of
            values eight bits have to stand for.
    """

    finder: nn.Module
    strips: nn.Module
    text: nn.Module
    dim: int
    samples: Callable[[], tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]]]


@dataclass(frozen=True, slots=True)
class Method(Generic[C, M]):
    """One published method.

    Attributes:
        name: as in `METHODS` and on the command line.
        space: what its vectors mean, and the channel of search (`EncoderSpec.space`).
        config: a frozen dataclass that `config.load` can read; every field has a default. A field
            `batch`, if there is one, is the number of examples in a batch.
        build: (config, seed) -> the model on the CPU, float32, its weights drawn from the seed. It
            reads no files: a checkpoint must be enough to have the model again. Parts that stay in
            eval mode while the rest trains see to it in their own `train`.
        start: (config, model) -> None: loads pretrained weights into the fresh model, fits what is
            fitted once (word clusters). Called at step 0 only, never with a checkpoint.
        batches: (config, model, seed) -> the training data. What it returns may be called in
            forked worker processes: it may use what hangs on the model, but runs no part of it.
            Frozen parts may be run before it returns.
        losses: (config, model, batch) -> named terms and "total", all scalars. Torch's generator
            is seeded for each batch by the loop; it is the only one to be used here.
        groups: (config, model) -> what is trained, and how fast.
        towers: (config, model) -> what is exported of a dual encoder.
        parts: (config, model) -> what is exported of a word spotter. A method has one of the two.
        preprocess: (config) -> how a picture becomes the input of the image tower.
        tokenizer: (config, model) -> how a text becomes the input of the text tower. Kept in every
            checkpoint; export takes it from there.
        validate: (config, model) -> named figures on held-out data, called in eval mode without
            gradients; None if the method has none. `calibration_slope` and `calibration_offset`
            among them go into the exported model folder (`modelfolder.Calibration`).
        about: for the card: the paper, what the model can and cannot do, known limits.
    """

    name: str
    space: str
    config: type[C]
    build: Callable[[C, int], M]
    batches: Callable[[C, M, int], Batches]
    losses: Callable[[C, M, Batch], Losses]
    groups: Callable[[C, M], Sequence[ParameterGroup]]
    preprocess: Callable[[C], PreprocessSpec]
    tokenizer: Callable[[C, M], TokenizerSource]
    towers: Callable[[C, M], Towers] | None = None
    parts: Callable[[C, M], Parts] | None = None
    start: Callable[[C, M], None] | None = None
    validate: Callable[[C, M], dict[str, float]] | None = None
    about: str = ""
