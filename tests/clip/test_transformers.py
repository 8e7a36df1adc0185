"""Our ViT and text tower against those of transformers, with the same weights, both ways."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.names import to_ours
from sightread.clip.tokens import tiny_tokenizer, tokenise
from sightread.clip.weights import build_clip, detect_config
from tests.clip.formula import fill, images
from tests.clip.public import IMAGE_PX, their_tensor, transformers_clip, vary

TOKENS = tokenise(tiny_tokenizer(), ["the exit 24", "", "x" * 50, "Zürich"], 32)
PIXELS = images(3, IMAGE_PX)


@torch.no_grad()
def check(ours: CLIP, theirs: Any) -> None:
    answer = theirs(input_ids=TOKENS, pixel_values=PIXELS, attention_mask=None)
    pairs = [
        (torch.nn.functional.normalize(ours.encode_image(PIXELS)), answer.image_embeds),
        (torch.nn.functional.normalize(ours.encode_text(TOKENS)), answer.text_embeds),
        (ours(PIXELS, TOKENS), answer.logits_per_image),
        (ours(PIXELS, TOKENS).T, answer.logits_per_text),
    ]
    for mine, other in pairs:
        assert mine.shape == other.shape
        assert float((mine - other).abs().max()) <= 1e-5


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_their_weights_in_our_model(quick_gelu: bool) -> None:
    theirs = transformers_clip(quick_gelu=quick_gelu)
    weights = to_ours(theirs.state_dict())
    config = detect_config(weights, quick_gelu=quick_gelu)
    assert config == replace(CONFIGS["tiny-ViT"], quick_gelu=quick_gelu)
    check(build_clip(weights, config), theirs)


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_our_weights_in_their_model(quick_gelu: bool) -> None:
    ours = CLIP(replace(CONFIGS["tiny-ViT"], quick_gelu=quick_gelu)).eval()
    fill(ours)
    theirs = transformers_clip(quick_gelu=quick_gelu)
    state = ours.state_dict()
    names = list(theirs.state_dict())
    theirs.load_state_dict({name: their_tensor(state, name) for name in names})
    check(ours, theirs)


@torch.no_grad()
def test_the_two_gelus_differ_by_more_than_the_tolerance() -> None:
    quick, exact = (transformers_clip(quick_gelu=choice) for choice in (True, False))
    vary(quick)
    features = [model.get_image_features(pixel_values=PIXELS) for model in (quick, exact)]
    apart = [getattr(value, "pooler_output", value) for value in features]
    assert float((apart[0] - apart[1]).abs().max()) > 1e-3
