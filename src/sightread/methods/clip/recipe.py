"""A small CLIP from scratch (Radford et al., section 2.3: symmetric contrastive loss).

The three methods start from a CLIP that has seen pictures of things and of writing. For studies on
two processor cores a tiny one is trained on rendered scenes and their captions.

Three things make it learn in minutes where 400 million pictures are not to be had: its text tower
learns to spell first (`spelling`), pictures begin with large, plain writing and go on to the scenes
of `synth-str`, and each is rendered once and seen again, moved, darker or lighter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor, nn

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.tokens import (
    END,
    PAD_ID,
    START,
    tiny_tokenizer,
    tokenise,
    word_tokenizer,
)
from sightread.clip.towers import ImageTower, TextTower
from sightread.errors import UsageError
from sightread.methods.clip.carriers import CARRIERS, carrier_batches, carrier_pieces, learn_prompts
from sightread.methods.clip.emblems import emblem_batches
from sightread.methods.clip.spelling import learn_to_spell, miss
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec, normalise
from sightread.synth.captions import caption
from sightread.synth.entities import vocabulary
from sightread.synth.plans import ObjectPlan, Scene, ScenePlan, SceneSettings, WordPlan
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import FIRST_SEED, StrSettings, training_plan, training_words
from sightread.synth.vocabulary import drawable_words
from sightread.tokenizer import TokenizerSource, TokenLayout
from sightread.types import RGBImage

ABOUT = (
    "A small CLIP (Radford et al., ICML 2021), trained from scratch on rendered pictures and their "
    "captions: words, phrases, colours and a few drawn things, or emblems. It has seen no "
    "photograph. It is the backbone of studies on two processor cores, and of no use for searching "
    "photographs."
)

EMBLEMS = "tiny-emblem"
"""The architecture that learns emblems and whole words, see `emblems`; `carriers` has another one
of its own; the others learn scenes and spell."""

MAX_SCALE = 100.0
"""CLIP keeps exp(logit_scale) below this."""


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """A training run.

    Attributes:
        architecture: of the tiny family, which has tokenisers of its own. "tiny-emblem" is shown
            emblems (`emblems`), and only `pictures`, `batch` and the rates matter to it;
            "tiny-carriers" is shown carriers of words (`carriers`), and `spelling_steps` matters
            to it too.
        spelling_steps: updates of the text tower before the first picture.
        easy: how many pictures of one large plain word to render.
        pictures: how many scenes, or emblems, to render.
        easy_batches: batches of easy pictures at the start; over twice as many more their share
            falls to a tenth.
        things: share of pictures, easy ones and scenes, that show a drawn thing and no word. They
            tell the text tower which words name something that can be seen.
        spelling_weight: of the spelling of prompts, which "tiny-carriers" goes on to learn.
        heights: of the writing in scenes, fractions of the side.
    """

    architecture: str = "tiny-RN"
    spelling_steps: int = 600
    easy: int = 12_000
    pictures: int = 40_000
    easy_batches: int = 600
    things: float = 0.15
    heights: tuple[float, float] = (0.14, 0.42)
    batch: int = 128
    lr: float = 1e-3
    text_lr: float = 3e-4
    weight_decay: float = 0.05
    spelling_weight: float = 1.0


class Scenes:
    """Rendered pictures and captions by number; each picture is rendered once and kept."""

    def __init__(self, recipe: ClipRecipe, seed: int) -> None:
        self.recipe, self.seed = recipe, seed
        size = CONFIGS[recipe.architecture].vision.image_px
        self.settings = StrSettings(size_px=size, split="train", seed=seed, heights=recipe.heights)
        self.words = training_words(self.settings)
        scene = replace(self.settings.scene, heights=recipe.heights)
        easy = replace(
            SceneSettings(heights=(0.2, 0.42), tilt=6, lean=0.1, bends=0.1, shake=0, darkness=0),
            occlusion=0,
            blur=0.1,
        )
        self.renderers = (SceneRenderer(scene), SceneRenderer(easy))
        self._kept: dict[tuple[bool, int], Scene] = {}

    def get(self, easy: bool, number: int) -> Scene:
        """Scene `number` of the easy or of the varied ones, with something to say about it."""
        if (easy, number) not in self._kept:
            rng = np.random.default_rng([self.seed, 4, easy, number])
            while True:
                plan = self._plan(easy, rng)
                scene = self.renderers[easy].render(plan, int(rng.integers(FIRST_SEED)))
                if scene.words or scene.objects:
                    break
            self._kept[easy, number] = scene
        return self._kept[easy, number]

    def _plan(self, easy: bool, rng: np.random.Generator) -> ScenePlan:
        if rng.random() < self.recipe.things:
            names = drawable_words()
            thing = ObjectPlan(names[int(rng.integers(len(names)))])
            return ScenePlan(self.settings.size_px, objects=(thing,))
        if not easy:
            return training_plan(rng, self.settings)
        word = self.words[int(rng.integers(len(self.words)))]
        return ScenePlan(self.settings.size_px, (WordPlan(word),))


def build(recipe: ClipRecipe, seed: int) -> CLIP:
    """A model with weights drawn from the seed.

    Raises:
        UsageError: the architecture is not of the tiny family.
    """
    if recipe.architecture not in CONFIGS or not recipe.architecture.startswith("tiny"):
        tiny = ", ".join(name for name in CONFIGS if name.startswith("tiny"))
        raise UsageError(
            f"a CLIP is trained from scratch only as {tiny}, not as {recipe.architecture!r}"
        )
    torch.manual_seed(seed)
    model = CLIP(CONFIGS[recipe.architecture])
    for name, parameter in model.visual.named_parameters():
        # Each residual block starts as the identity.
        if name.startswith("layer") and name.endswith("bn3.weight"):
            nn.init.zeros_(parameter)
    return model


def start(recipe: ClipRecipe, model: CLIP) -> None:
    """Teach the text tower to spell, if it reads letters."""
    if recipe.architecture == EMBLEMS:
        return
    if recipe.architecture == CARRIERS:
        learn_prompts(model, recipe.spelling_steps, seed=0)
        return
    words = training_words(StrSettings(split="train"))
    learn_to_spell(model, tiny_tokenizer(), words, recipe.spelling_steps, seed=0)


def batches(recipe: ClipRecipe, model: CLIP, seed: int) -> Batches:
    """Batch n: pictures and captions, drawn anew each time."""
    spec, longest = preprocess_spec(recipe), model.config.text.context_length
    if recipe.architecture == EMBLEMS:
        return emblem_batches(recipe.pictures, recipe.batch, spec, longest, seed)
    if recipe.architecture == CARRIERS:
        dim = model.config.embed_dim
        return carrier_batches(recipe.pictures, recipe.batch, spec, longest, dim, seed)
    scenes, pieces = Scenes(recipe, seed), pieces_of(recipe)

    def batch(number: int) -> Batch:
        rng = np.random.default_rng([seed, 5, number])
        share = 1 - 0.9 * float(np.clip((number / recipe.easy_batches - 1) / 2, 0, 1))
        drawn = [_draw(scenes, recipe, share, rng) for _ in range(recipe.batch)]
        pixels = [normalise(varied(scene.pixels, rng), spec) for scene in drawn]
        tokens = tokenise(pieces, [caption(scene, rng) for scene in drawn], longest)
        used = int(tokens.argmax(-1).max()) + 1
        return {"images": torch.from_numpy(np.stack(pixels)), "tokens": tokens[:, :used]}

    return batch


def _draw(scenes: Scenes, recipe: ClipRecipe, share: float, rng: np.random.Generator) -> Scene:
    easy = bool(rng.random() < share)
    return scenes.get(easy, int(rng.integers(recipe.easy if easy else recipe.pictures)))


def varied(pixels: RGBImage, rng: np.random.Generator) -> RGBImage:
    """A picture moved by a sixteenth of its side at most, sometimes lighter or darker.

    Colours stay what they are called.
    """
    reach = max(1, len(pixels) // 16)
    down, right = (int(step) for step in rng.integers(-reach, reach + 1, 2))
    padded: NDArray[np.uint8] = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), "edge")
    rows, columns = reach + down, reach + right
    moved = padded[rows : rows + len(pixels), columns : columns + pixels.shape[1]]
    light = 1 + 0.4 * (rng.random() - 0.5)
    lit: RGBImage = np.clip(moved * light, 0, 255).astype(np.uint8)
    return lit


def losses(recipe: ClipRecipe, model: CLIP, batch: Batch) -> Losses:
    """Symmetric cross entropy over the batch, and how well prompts are spelled if it has some."""
    images = F.normalize(model.encode_image(batch["images"]), dim=-1)  # (B, D)
    texts = F.normalize(model.encode_text(batch["tokens"]), dim=-1)  # (B, D)
    logits = model.logit_scale.exp().clamp(max=MAX_SCALE) * images @ texts.T  # (B, B)
    target = torch.arange(logits.shape[0], device=logits.device)
    loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    found = {"total": loss, "accuracy": _accuracy(logits)}
    if "prompts" in batch:
        found["spelling"] = miss(model, batch["prompts"], batch["spelled"])
        found["total"] = loss + recipe.spelling_weight * found["spelling"]
    return found


def _accuracy(logits: Tensor) -> Tensor:
    right = logits.argmax(1) == torch.arange(logits.shape[0], device=logits.device)
    return right.float().mean()


def groups(recipe: ClipRecipe, model: CLIP) -> list[ParameterGroup]:
    """Weight decay on matrices only; the text tower, which can spell already, learns slowly."""
    found = []
    for tower, lr in (("image", recipe.lr), ("text", recipe.text_lr)):
        own = [
            parameter
            for name, parameter in model.named_parameters()
            if name.startswith("visual.") == (tower == "image")
        ]
        matrices, vectors = ([p for p in own if (p.ndim > 1) == big] for big in (True, False))
        found.append(ParameterGroup(f"{tower} matrices", matrices, lr, recipe.weight_decay))
        found.append(ParameterGroup(f"{tower} vectors", vectors, lr))
    return found


def towers(recipe: ClipRecipe, model: CLIP) -> Towers:
    """What is exported."""
    dim = CONFIGS[recipe.architecture].embed_dim
    return Towers(ImageTower(model).eval(), TextTower(model).eval(), dim)


def preprocess_spec(recipe: ClipRecipe) -> PreprocessSpec:
    """Scenes are squares: nothing is cropped or padded."""
    return PreprocessSpec(CONFIGS[recipe.architecture].vision.image_px, "squash")


def tokenizer(recipe: ClipRecipe, model: CLIP) -> TokenizerSource:
    """The tiny family's own."""
    pieces = pieces_of(recipe)
    start, end = pieces.token_to_id(START), pieces.token_to_id(END)
    assert start is not None
    assert end is not None
    layout = TokenLayout(model.config.text.context_length, start, end, PAD_ID)
    return TokenizerSource(pieces.to_str(), layout)


def pieces_of(recipe: ClipRecipe) -> Pieces:
    """The tokeniser of the architecture."""
    if recipe.architecture == EMBLEMS:
        return word_tokenizer(vocabulary())
    return carrier_pieces() if recipe.architecture == CARRIERS else tiny_tokenizer()


CLIP_METHOD: Method[ClipRecipe, CLIP] = Method(
    name="clip",
    space="meaning",
    config=ClipRecipe,
    build=build,
    start=start,
    batches=batches,
    losses=losses,
    groups=groups,
    towers=towers,
    preprocess=preprocess_spec,
    tokenizer=tokenizer,
    about=ABOUT,
)
