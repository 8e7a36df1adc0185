"""`synth-ambiguity`: siblings that only their words tell apart, captions, readings and splits."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from sightread.clip.config import CONFIGS
from sightread.clip.tokens import spelling_tokenizer, tokenise
from sightread.errors import PictureError, UsageError
from sightread.scenetext.captions import prompt
from sightread.synth.ambiguity import (
    SIBLINGS,
    TESTS,
    AmbiguitySettings,
    AmbiguousPicture,
    build_ambiguity,
    made_up_words,
    plain_words,
    vocabulary,
)
from sightread.synth.carriers import CARRIERS, HUES, ICONS, LONGEST, Board, Shown, draw_board

SMALL = AmbiguitySettings(
    groups=40, val_groups=3, test_groups=12, plain=10, val_plain=2, test_plain=5
)
NAMES = {*CARRIERS, *ICONS, *HUES}


def by_four(pictures: Sequence[AmbiguousPicture]) -> Iterator[Sequence[AmbiguousPicture]]:
    for first in range(0, len(pictures), SIBLINGS):
        yield pictures[first : first + SIBLINGS]


def written(pictures: tuple[AmbiguousPicture, ...]) -> tuple[AmbiguousPicture, ...]:
    return tuple(one for one in pictures if one.written)


def test_siblings_are_identical_but_for_the_words_on_two_plates() -> None:
    for four in by_four(written(build_ambiguity(SMALL).train)[: 4 * SIBLINGS]):
        assert len({one.group for one in four}) == 1
        pixels = np.stack([one.load() for one in four]).astype(int)
        changed = (pixels != pixels[0]).any((0, -1))
        allowed = np.zeros_like(changed)
        for word in (word for one in four for word in one.words[:2]):
            (x0, y0), _, (x1, y1), _ = word.box
            allowed[int(y0) : int(y1), int(x0) : int(x1)] = True
        assert changed.any()
        assert not (changed & ~allowed).any()
        (a, b), (c, d) = (list(four[at].written.values()) for at in (0, 2))
        assert [list(one.written.values()) for one in four] == [[a, b], [b, a], [c, d], [d, c]]
        assert len({a, b, c, d}) == 4


def test_a_picture_is_a_function_of_the_settings() -> None:
    one, same = build_ambiguity(SMALL).train[5], build_ambiguity(replace(SMALL)).train[5]
    other = build_ambiguity(replace(SMALL, seed=1)).train[5]
    assert one is same
    assert np.array_equal(one.load(), same.load())
    assert one.load().shape == (96, 96, 3)
    assert not np.array_equal(one.load(), other.load())
    assert one.captions != other.captions


def test_captions_say_what_is_written_on_what() -> None:
    """Every word that is said stands on the thing that is said to bear it."""
    forms: Counter[int] = Counter()
    for one in written(build_ambiguity(SMALL).train):
        known = {str(one.board.cells[cell]): word for cell, word in one.written.items()}
        shown = {str(thing) for thing in one.board.cells}
        loose = set(one.board.loose.values()) - set(one.written.values())
        for caption in one.captions:
            words = caption.split()
            assert not loose & set(words)
            things = [
                " ".join(words[at + 1 : at + 3]) for at, word in enumerate(words) if word == "a"
            ]
            assert set(things) <= shown
            said = [thing for thing in things if known.get(thing) in words]
            borne = [thing for thing in things if f"{thing} {_cue(caption, thing)}" in caption]
            assert said
            forms[len(said)] += 1
            assert borne[0] in known
    assert 0.45 < forms[2] / forms.total() < 0.7


def _cue(caption: str, thing: str) -> str:
    return caption.partition(f"{thing} ")[2].split(" ")[0]


def test_a_caption_that_says_both_words_belongs_to_one_sibling() -> None:
    for four in by_four(written(build_ambiguity(SMALL).train)):
        for one in four:
            others = {text for other in four if other is not one for text in other.captions}
            assert not others & set(one.captions)


def test_pictures_without_words_say_none_and_are_in_their_own_split() -> None:
    made = build_ambiguity(SMALL)
    for one in made.shown("text-free"):
        assert not one.read
        assert not one.words
        assert len(one.captions) == 5
        for text in one.captions:
            assert set(text.split()) <= set(plain_words())
    assert sum(not one.written for one in made.train) == 10
    assert all(one.written for one in (*made.shown("seen"), *made.shown("unseen")))


def test_words_of_unseen_pictures_are_in_no_other_split() -> None:
    seen, unseen = map(set, made_up_words())
    assert len(seen) == 600
    assert len(unseen) == 200
    assert not seen & unseen
    assert not (seen | unseen) & set(plain_words())
    assert all(4 <= len(word) <= LONGEST for word in seen | unseen)
    made = build_ambiguity(SMALL)
    for split in ("train", "val", "seen"):
        words = {word.text for one in made.shown(split) for word in one.words}
        assert words <= seen | NAMES
        assert words & NAMES or split == "val"  # a bus that reads "fish"
    assert {word.text for one in made.shown("unseen") for word in one.words} <= unseen


def test_what_a_method_learns_from_has_the_readings_and_not_the_truth() -> None:
    one = build_ambiguity(SMALL).train[0]
    found = one.captioned()
    assert (found.id, found.captions, found.group) == (one.id, one.captions, one.group)
    assert found.words == one.read
    assert found.gold == tuple(one.written.values())
    assert np.array_equal(found.load(), one.load())
    assert build_ambiguity(SMALL).train[-1].captioned().gold == ()


def test_a_tokeniser_knows_captions_and_prompts_whole_and_spells_the_rest() -> None:
    pieces, text = spelling_tokenizer(vocabulary()), CONFIGS["tiny-carriers"].text
    assert pieces.get_vocab_size() == text.vocab_size
    plain = build_ambiguity(SMALL).shown("text-free")[0].captions
    asked = [prompt([made_up_words()[1][at], "green"])[0] for at in range(20)]
    known = set(vocabulary())
    assert all(set(pieces.encode(caption).tokens) <= known for caption in plain)
    for caption in asked:
        tokens = pieces.encode(caption).tokens
        assert "<|unknown|>" not in tokens
        assert {"texts", "green", "image"} <= set(tokens)
    ids = tokenise(
        pieces, [text for one in build_ambiguity(SMALL).train for text in one.captions], 48
    )
    assert ids.argmax(-1).max() < text.context_length - 1  # nothing is cut


def test_a_share_of_groups_has_the_name_of_a_thing() -> None:
    large = build_ambiguity(AmbiguitySettings(groups=300, plain=0))
    firsts = [one for one in large.train if one.id.endswith(("-0", "-2"))]
    named = {one.group for one in firsts if NAMES & set(one.written.values())}
    assert 0.22 < len(named) / 300 < 0.38
    none = build_ambiguity(replace(SMALL, named=0))
    assert not any(NAMES & set(one.written.values()) for one in none.train)


def test_readings_have_the_mistakes_of_a_reader() -> None:
    train = build_ambiguity(AmbiguitySettings(groups=200, plain=0)).train
    true = [word for one in train for word in one.words]
    read = [word for one in train for word in one.read]
    assert 0.03 < 1 - len(read) / len(true) < 0.07
    places = [{word.box: word.text or "" for word in one.words} for one in train]
    wrong = total = 0
    for known, one in zip(places, train, strict=True):
        for word in one.read:
            text = known[word.box]  # where it stands is never wrong
            wrong += sum(a != b for a, b in zip(text, word.text or "", strict=True))
            total += len(text)
            assert 0.6 <= word.confidence <= 1
    assert 0.05 < wrong / total < 0.07
    exact = build_ambiguity(replace(SMALL, replaced=0, missed=0)).train
    for one in exact:
        assert {(word.box, word.text) for word in one.read} == {
            (word.box, word.text) for word in one.words
        }


def test_boxes_are_where_the_ink_is() -> None:
    """Writing changes pixels inside of its box, and in nearly every column of it."""
    board = Board(tuple(map(Shown, ("bus", "mug", "sign", "sun"), HUES)), 3, {})  # type: ignore[arg-type]
    empty = draw_board(board, {}).astype(int)
    for cell in range(3):
        full = draw_board(board, {cell: "laptop"}).astype(int)
        changed = (full != empty).any(-1)
        one = AmbiguousPicture("x", "x", board, {cell: "laptop"}, (), ())
        (x0, y0), _, (x1, y1), _ = one.words[0].box
        inside = changed[int(y0) : int(y1), int(x0) : int(x1)]
        assert inside.sum() == changed.sum() > 60
        assert inside.any(0).mean() > 0.8


def test_splits_share_no_picture() -> None:
    made = build_ambiguity(SMALL)
    boards = [{one.board.seed for one in made.shown(split)} for split in ("train", "val", *TESTS)]
    assert sum(map(len, boards)) == len(set.union(*boards)) == 50 + 5 + 12 + 12 + 5


def test_a_task_asks_each_caption_for_its_picture() -> None:
    made = build_ambiguity(SMALL)
    task = made.task("unseen")
    assert len(task.gallery) == 12 * SIBLINGS
    assert len(task.queries) == 5 * len(task.gallery)
    for one in made.shown("unseen"):
        for number, text in enumerate(one.captions):
            assert task.queries[f"{one.id}#{number}"] == text
            assert task.qrels[f"{one.id}#{number}"] == {one.id}
    assert set(task.groups.values()) == {"unseen"}
    assert np.array_equal(task.load(task.gallery[3]), made.shown("unseen")[3].load())
    with pytest.raises(PictureError, match="has no picture 'x'"):
        task.load("x")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": -1}, "a seed of 0 or more"),
        ({"test_groups": 0}, "at least 1 group"),
        ({"replaced": 1.5}, "shares from 0 to 1"),
    ],
)
def test_impossible_settings_are_one_sentence(change: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_ambiguity(replace(SMALL, **change))
