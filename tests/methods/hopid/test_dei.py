"""Weak labels, and the tagger that learns from them (section 6.7)."""

import numpy as np
import pytest
import torch

from sightread.methods.hopid.dei import Dei, fit, tag, word_f1
from sightread.methods.hopid.labels import IGNORED, STOP_WORDS, same_word, weak_labels
from sightread.scenetext.captions import caption_words
from sightread.scenetext.tokens import scene_tokens
from sightread.scenetext.wordvectors import word_vectors
from tests.scenetext.test_tokens import box, word


def labels(caption: str, *read: str, confidence: float = 0.9) -> str:
    """1, 0 or - for each word; words of one string stand in one line, lines under each other."""
    words = [
        word(text, box(10 + 60 * at, 10 + 60 * line, 50, 20), confidence)
        for line, one in enumerate(read)
        for at, text in enumerate(one.split())
    ]
    found = weak_labels(caption_words(caption), scene_tokens(words, 1000, 1000))
    return "".join({IGNORED: "-"}.get(label, str(label)) for label in found)


@pytest.mark.parametrize(
    ("caption", "read", "expected"),
    [
        ("a bus that says Hilton", ["HILTON"], "00001"),
        ("a bus that says Hilton", ["HILTDN"], "00001"),  # one of six letters
        ("a bus that says Hilton", ["HIIIDN"], "00000"),  # three of six
        ("a can of cola", ["coli"], "0001"[:3] + "0"),  # 1 - 1/4 is below 0.8
        ("fresh tomatoes here", ["tomato"], "010"),
        ("two buses here", ["bus"], "010"),
        ("number 63 here", ["64"], "000"),
        ("number 63 here", ["63"], "010"),
        ("the word the", ["the"], "000"),
        ("sign of The Stop now", ["the stop"], "00110"),  # a stop word inside of a line
        ("at a coffee shop", ["coffee shop"], "0011"),
        ('it says "open all day" today', ["open"], "001110"),
        ('it says "open all day" today', ["closed"], "000000"),
        ("nothing is read", [], "000"),
    ],
)
def test_weak_labels(caption: str, read: list[str], expected: str) -> None:
    assert labels(caption, *read) == expected


def test_what_the_reader_is_not_sure_of_teaches_nothing() -> None:
    assert labels("a bus that says Hilton", "HILTON", confidence=0.35) == "-----"
    assert labels("a bus that says Hilton", "HILTON", confidence=0.45) == "00001"


def test_words_that_are_the_same() -> None:
    assert same_word("hilton", "hilton")
    assert same_word("hotels", "hotel")
    assert not same_word("hotel", "hostess")
    assert not same_word("", "")
    assert not same_word("1234", "12345")
    assert "the" in STOP_WORDS


CUES = ("that says {}", "labelled {}", "reading {}")
THINGS = ("bus", "mug", "sign", "crate")


def told(count: int, seed: int, names: str) -> tuple[list[list[str]], list[list[int]]]:
    """Captions that say what is written on one thing and name another one."""
    rng = np.random.default_rng(seed)
    captions, tags = [], []
    for _ in range(count):
        name = "".join(rng.choice(list(names), 5))
        cue = CUES[rng.integers(3)].format(name)
        first, second = rng.choice(THINGS, 2)
        words = f"a {first} {cue} near a {second}".split()
        captions.append(words)
        tags.append([int(one == name) for one in words])
    return captions, tags


def test_it_learns_cues_that_hold_for_words_it_never_saw() -> None:
    torch.manual_seed(0)
    dei = Dei()
    score = fit(dei, *told(200, 0, "abcdefghijklm"), epochs=6, seed=0)
    assert score > 0.95
    assert not dei.training
    captions, tags = told(60, 1, "abcdefghijklm")
    assert word_f1(tag(dei, captions), tags) > 0.95
    # "bus" is a thing, not a word that is written.
    assert max(tag(dei, [["a", "bus", "near", "a", "mug"]])[0]) < 0.5


def test_training_is_a_function_of_the_seed_and_leaves_the_generator_alone() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(4)
        dei = Dei()
        before = torch.random.get_rng_state()
        fit(dei, *told(40, 0, "abc"), epochs=2, seed=3)
        assert torch.equal(before, torch.random.get_rng_state())
        states.append(dei.out.weight.detach().clone())
    assert torch.equal(states[0], states[1])


def test_ignored_words_teach_nothing() -> None:
    torch.manual_seed(0)
    dei = Dei()
    before = dei.out.weight.detach().clone()
    captions, _ = told(10, 0, "abc")
    assert fit(dei, captions, [[IGNORED] * len(one) for one in captions], epochs=1) == 0
    moved = (dei.out.weight.detach() - before).abs().max()
    assert moved < 1e-3  # weight decay alone


def test_tags_do_not_depend_on_their_neighbours() -> None:
    torch.manual_seed(0)
    dei = Dei()
    captions = [["one"], [], ["a", "b", "c", "d"], ["two", "three"]]
    together = tag(dei, captions)
    assert [len(row) for row in together] == [1, 0, 4, 2]
    for words, row in zip(captions, together, strict=True):
        assert tag(dei, [words])[0] == pytest.approx(row, abs=1e-6)
    vectors = torch.from_numpy(word_vectors(captions[2]))[None]
    assert dei.probabilities(vectors)[0].tolist() == pytest.approx(together[2], abs=1e-6)


def test_f1_by_hand() -> None:
    # Right 1, wrong 1, missed 1, one ignored: 2 / (2 + 1 + 1).
    found = word_f1([[0.9, 0.8, 0.1, 0.9], [0.2]], [[1, 0, 1, IGNORED], [0]])
    assert found == pytest.approx(0.5)
    assert word_f1([[0.1]], [[0]]) == 0
