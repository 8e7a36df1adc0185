"""The text tower: what may influence a text's feature, and what may not."""

import torch
from torch import Tensor

from sightread.clip.model import CLIP
from sightread.clip.tokens import tiny_tokenizer, tokenise
from tests.clip.formula import CONFIGS, TOKENS, fill

MODEL = CLIP(CONFIGS["vit"]).double().eval()
fill(MODEL)


def near(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)


@torch.no_grad()
def test_what_stands_behind_the_end_has_no_influence() -> None:
    features = MODEL.encode_text(TOKENS)
    for rubbish in (1, 38):
        other = TOKENS.clone()
        ends = TOKENS.argmax(-1)
        for row, end in zip(other, ends.tolist(), strict=True):
            row[end + 1 :] = rubbish
        near(MODEL.encode_text(other), features)


@torch.no_grad()
def test_every_piece_before_the_end_has_influence_and_so_has_its_place() -> None:
    feature = MODEL.encode_text(TOKENS[:1])
    for place in range(3):
        other = TOKENS[:1].clone()
        other[0, place] = 22
        assert (MODEL.encode_text(other) - feature).abs().max() > 1e-3
    swapped = TOKENS[:1, [0, 2, 1, 3, 4, 5, 6, 7, 8]]
    assert (MODEL.encode_text(swapped) - feature).abs().max() > 1e-3


@torch.no_grad()
def test_padding_may_be_cut_off() -> None:
    near(MODEL.encode_text(TOKENS[:2, :4]), MODEL.encode_text(TOKENS)[:2])


@torch.no_grad()
def test_a_text_is_encoded_as_if_it_were_alone() -> None:
    together = MODEL.encode_text(TOKENS)
    for at in range(len(TOKENS)):
        near(MODEL.encode_text(TOKENS[at : at + 1]), together[at : at + 1])
    order = [2, 0, 1]
    near(MODEL.encode_text(TOKENS[order]), together[order])


@torch.no_grad()
def test_embeddings_enter_where_tokens_do() -> None:
    embedded = MODEL.embed_tokens(TOKENS)
    near(embedded, MODEL.token_embedding.weight[TOKENS])
    near(MODEL.encode_embedded(embedded, torch.tensor([3, 1, 8])), MODEL.encode_text(TOKENS))
    # The feature is that of the place it is asked at: two pieces read, not three.
    early = MODEL.encode_embedded(embedded[:1], torch.tensor([2]))
    near(early, MODEL.encode_embedded(embedded[:1, :3], torch.tensor([2])))


@torch.no_grad()
def test_the_tiny_tokeniser_ends_where_the_tower_looks() -> None:
    tokens = tokenise(tiny_tokenizer(), ["exit", "", "x" * 99], 32)
    assert tokens.argmax(-1).tolist() == [5, 1, 31]


@torch.no_grad()
def test_scores_are_the_temperature_times_the_cosine() -> None:
    pixels = torch.ones(2, 3, 32, 32).double()
    pixels[1, 0] = -1
    image, text = MODEL.encode_image(pixels), MODEL.encode_text(TOKENS)
    scores = MODEL(pixels, TOKENS)
    for b in range(2):
        for n in range(3):
            cosine = image[b] @ text[n] / image[b].norm() / text[n].norm()
            near(scores[b, n], MODEL.logit_scale.exp() * cosine)
    assert scores.shape == (2, 3)
