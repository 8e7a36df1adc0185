"""The caption's side: states of the GRU, the prompt, the binding (section 6.9)."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sightread.methods.hopid.caption import CaptionSide, Read
from sightread.scenetext.captions import caption_words, entities
from sightread.scenetext.wordvectors import word_vectors
from tests.methods.hopid.small import CLIP_WIDE, WIDE, read, settings


def side(**switches: Any) -> CaptionSide:
    torch.manual_seed(0)
    return CaptionSide(settings(**switches), CLIP_WIDE).eval()


def states(caption: CaptionSide, words: Tensor) -> list[Tensor]:
    """The GRU, one word after the other."""
    wi, wh, bi, bh = (one for _, one in caption.gru.named_parameters())
    h, found = torch.zeros(1, WIDE), []
    for word in words:
        x = caption.embed(16 * word)[None] @ wi.T + bi
        y = h @ wh.T + bh
        (r, z, n), (r2, z2, n2) = x.chunk(3, -1), y.chunk(3, -1)
        r, z = torch.sigmoid(r + r2), torch.sigmoid(z + z2)
        h = (1 - z) * torch.tanh(n + r * n2) + z * h
        found.append(h[0])
    return found


def test_a_caption_step_by_step() -> None:
    caption, captions = side(), read((1, 3), (4,))
    assert caption.prompt is not None
    assert caption.spelled is not None
    assert caption.binding is not None
    for at, ends in enumerate(((1, 3), (4,))):
        h = states(caption, captions.words[at])
        p = captions.entities[at, : len(ends)]
        mean = p.mean(0)
        ordered = torch.stack([caption.order[j] * p[j] for j in range(len(ends))]).sum(0)
        spelled = caption.spelled(512**0.5 * torch.cat([mean, ordered]))
        told = caption.prompt(4 * captions.prompt[at]) + spelled
        bound = torch.stack(
            [
                caption.binding.word(p[j]) * torch.tanh(caption.binding.bearer(h[end]))
                for j, end in enumerate(ends)
            ]
        ).sum(0)
        told = told + F.layer_norm(bound, (WIDE,))
        expected = caption.fusion(h[-1][None], told[None])
        assert torch.allclose(caption(captions)[at], expected[0], atol=1e-5)


def test_the_state_of_an_entity_is_that_of_its_last_word() -> None:
    # Lower-casing or splitting may not move the index: the words that DEI tags are the GRU's.
    words = caption_words("A bus, that says King's Cross here")
    (entity,) = entities(words, [word.text in ("King's", "Cross") for word in words])
    assert [word.text for word in words[entity.first : entity.last + 1]] == ["King's", "Cross"]
    caption = side()
    vectors = torch.from_numpy(word_vectors([word.text for word in words]))
    found = caption.gru(caption.embed(16 * vectors)[None])[0][0, entity.last]
    assert torch.allclose(found, states(caption, vectors[: entity.last + 1])[-1], atol=1e-5)


def test_without_entities_the_prompt_does_not_join() -> None:
    caption = side()
    captions = read((), (2,))
    stirred = captions._replace(prompt=captions.prompt + 5)
    assert torch.allclose(caption(captions)[0], caption(stirred)[0], atol=1e-6)
    assert not torch.allclose(caption(captions)[1], caption(stirred)[1], atol=1e-3)


@pytest.mark.parametrize(
    ("switches", "reads"),
    [
        ({}, {"prompt", "words", "entities", "at"}),
        ({"bind": False}, {"prompt", "words", "entities"}),
        ({"prompt_words": False}, {"prompt", "words", "entities", "at"}),
        ({"prompt_words": False, "bind": False}, {"prompt", "words"}),
        ({"prompt": False}, {"words"}),
        ({"caption_encoder": "gru+clip"}, {"vector", "prompt", "words", "entities", "at"}),
        ({"caption_encoder": "clip", "bind": False}, {"vector", "prompt", "entities"}),
        # The binding asks the GRU what bears a word, whatever stands for the whole.
        ({"caption_encoder": "clip"}, {"vector", "prompt", "words", "entities", "at"}),
    ],
)
def test_switches_say_what_is_read(switches: dict[str, Any], reads: set[str]) -> None:
    caption = side(**switches)
    captions = read((1, 3), (4, 2))
    usual = caption(captions)
    other: dict[str, Tensor] = {
        name: getattr(captions, name).flip(0) for name in ("vector", "prompt", "words", "entities")
    }
    other["at"] = torch.tensor([[0, 2], [1, 3]])
    for name, value in other.items():
        changed = Read(**(captions._asdict() | {name: value}))
        assert torch.allclose(caption(changed), usual, atol=1e-6) == (name not in reads), name


def test_the_order_of_entities_counts() -> None:
    caption = side(bind=False)
    captions = read((1, 3))
    swapped = captions._replace(entities=captions.entities.flip(1))
    assert not torch.allclose(caption(captions), caption(swapped), atol=1e-3)
    assert set(caption.order.flatten().tolist()) == {-1.0, 1.0}
    assert len(caption.order) == 6
