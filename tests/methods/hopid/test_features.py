"""What the frozen parts make of pictures and captions."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sightread.clip.tokens import tiny_tokenizer, tokenise
from sightread.errors import PictureError
from sightread.methods.hopid.caption import Read
from sightread.methods.hopid.config import HopidConfig, HopidRecipe
from sightread.methods.hopid.features import look_at, said_to_be_written, tagged, tell
from sightread.methods.hopid.model import HOPID, Seen
from sightread.methods.hopid.recipe import build
from sightread.methods.hopid.validation import caption_vectors, picture_vectors
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.scenetext.captions import caption_words
from sightread.scenetext.marks import MarkSettings, marked
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.settings import SceneTextSettings
from sightread.scenetext.tokens import scene_tokens
from sightread.synth.simple import render_words
from sightread.types import RGBImage, WordRegion

SPEC = PreprocessSpec(64, "pad")
PIECES = tiny_tokenizer()


def picture(name: str, *written: str, captions: tuple[str, ...] = ("a sign",)) -> CaptionedPicture:
    image, quads = render_words(written, (200, 160), seed=len(name), text_px=24)
    words = tuple(WordRegion(quad, 0.9, text) for quad, text in zip(quads, written, strict=True))
    return CaptionedPicture(name, captions, words, lambda: image)


def broken() -> CaptionedPicture:
    def load() -> RGBImage:
        raise PictureError("torn.jpg is torn.")

    return CaptionedPicture("torn", ("a sign",), (), load)


def model(passes: Any = "one", marks: Any = "quad", **switches: Any) -> HOPID:
    text = SceneTextSettings(marks=MarkSettings(marks), passes=passes)
    usual: dict[str, Any] = {"backbone": "tiny-ViT", "width": 32, "heads": 4, "scene_text": text}
    found = build(HopidRecipe(HopidConfig(**(usual | switches))), 0).eval()
    with torch.no_grad():
        for one in found.new_parameters():
            one.add_(0.1 * torch.randn_like(one))
    return found


def shown(found: HOPID, pixels: RGBImage) -> tuple[torch.Tensor, torch.Tensor]:
    return found.look(torch.from_numpy(preprocess(pixels, SPEC))[None])


SALE, PLAIN = picture("sale", "SALE", "TODAY"), picture("plain")


@pytest.mark.parametrize("passes", ["one", "two"])
def test_pictures_with_text_are_seen_marked(passes: str) -> None:
    found = model(passes)
    table = look_at(found, [SALE, broken(), PLAIN], SPEC)
    assert (len(table), table.left_out) == (2, 1)
    pixels = SALE.load()
    tokens = scene_tokens(SALE.words, 200, 160)
    plain, its_patches = shown(found, pixels)
    drawn, patches = shown(found, marked(pixels, tokens, MarkSettings()))
    assert not torch.allclose(plain, drawn, atol=1e-3)
    assert torch.allclose(table.marked[0], drawn[0], atol=1e-6)
    assert torch.allclose(table.base[0], (plain if passes == "two" else drawn)[0], atol=1e-6)
    expected = its_patches if passes == "two" else patches
    assert torch.allclose(table.patches[0].float(), expected[0], atol=5e-3)
    # Without text, both are plain CLIP's.
    assert torch.equal(table.base[1], table.marked[1])
    assert torch.allclose(table.base[1], shown(found, PLAIN.load())[0][0], atol=1e-6)


def test_without_marks_nothing_changes() -> None:
    found = model(marks="none")
    table = look_at(found, [SALE], SPEC)
    assert torch.allclose(table.marked[0], shown(found, SALE.load())[0][0], atol=1e-6)


def test_none_one_and_too_many_words() -> None:
    many = picture("many", *(f"w{at}" for at in range(40)))
    found = model()
    table = look_at(found, [PLAIN, picture("one", "ONE"), many], SPEC)
    assert [len(one) for one in table.tokens] == [0, 1, 30]
    seen = table.seen([0, 1, 2])
    assert seen.keep.sum(1).tolist() == [0, 1, 30]
    assert all(bool(one.isfinite().all()) for one in seen)
    together = picture_vectors(found, table)
    assert torch.equal(together[0], table.base[0])
    for at in range(3):
        alone = found.see(table.seen([at])).vector[0]
        assert torch.allclose(alone, together[at], atol=1e-5)


def test_words_may_be_left_out_and_misread() -> None:
    table = look_at(model(), [SALE], SPEC)
    both, one = table.seen([0]), table.seen([0], [[(1, "TODAY")]])
    assert torch.equal(one.boxes[0, 0], both.boxes[0, 1])
    assert torch.equal(one.words[0, 0], both.words[0, 1])
    other = table.seen([0], [[(1, "MONDAY")]])
    assert not torch.equal(other.words[0, 0], one.words[0, 0])
    assert not table.seen([0], [[]]).keep.any()


def test_mentioned_words() -> None:
    said = replace(SALE, captions=("a sign of a sale", "two days"))
    table = look_at(model(), [said], SPEC)
    assert table.mentioned(0).tolist() == [True, False]


# --- captions -----------------------------------------------------------------------------------

CAPTIONS = ["a sign", 'it says "Sale"', 'the "A" and "B"', "..."]


def test_captions_get_the_prompt_of_their_entities() -> None:
    found = model(dei="none")
    table = tell(found, PIECES, CAPTIONS)
    assert [[one.text for one in some] for some in table.entities] == [[], ["Sale"], ["A"], []]
    ids = tokenise(PIECES, ['There is scene text: "Sale" in this image.', CAPTIONS[0]], 32)
    prompt, caption = found.encode_text(ids)
    assert torch.allclose(table.prompts[1], prompt, atol=1e-5)
    assert torch.allclose(table.vectors[0], caption, atol=1e-5)
    assert (table.prompts[0] == 0).all()
    vectors = caption_vectors(found, table)
    assert torch.equal(vectors[[0, 3]], table.vectors[[0, 3]])  # one without any word too
    for at in range(4):
        alone = found.read(table.read([at]))[0]
        assert torch.allclose(alone, vectors[at], atol=1e-5)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("none", [[]]), ("all", [["big sale here"]]), ("oracle", [["sale"]])],
)
def test_ways_to_infer_entities(how: Any, expected: list[list[str]]) -> None:
    found = model(dei=how)
    tokens = scene_tokens(SALE.words, 200, 160)
    table = tell(found, PIECES, ["big sale here"], [tokens])
    assert [[one.text for one in some] for some in table.entities] == expected


def test_the_oracle_believes_the_set_before_the_reader() -> None:
    tokens = scene_tokens(SALE.words, 200, 160)
    assert said_to_be_written(SALE, tokens) == tokens
    known = replace(SALE, gold=("big",))
    table = tell(
        model(dei="oracle"), PIECES, ["big sale here"], [said_to_be_written(known, tokens)]
    )
    assert [[one.text for one in some] for some in table.entities] == [["big"]]
    nothing = said_to_be_written(replace(SALE, gold=()), tokens)
    assert not any(tell(model(dei="oracle"), PIECES, ["big sale"], [nothing]).entities)


def test_the_tagger_has_a_threshold() -> None:
    words = [caption_words("big sale here")]
    low = model(scene_text=SceneTextSettings(threshold=0.0))
    high = model(scene_text=SceneTextSettings(threshold=1.0))
    assert tagged(low, words) == [[True] * 3]
    assert tagged(high, words) == [[False] * 3]


def test_without_the_text_prompt_no_entities_are_looked_for() -> None:
    table = tell(model(prompt=False), PIECES, CAPTIONS)
    assert not any(table.entities)
    assert (table.prompts == 0).all()


def test_inputs_have_one_form() -> None:
    found = model(dei="none")
    seen = look_at(found, [SALE], SPEC).seen([0])
    read = tell(found, PIECES, CAPTIONS).read([1])
    assert isinstance(seen, Seen)
    assert isinstance(read, Read)
    assert seen.pooling.shape == (1, 2, 16)
    assert np.allclose(seen.pooling.sum(-1), 1, atol=1e-5)
    assert read.at.tolist() == [[2]]
