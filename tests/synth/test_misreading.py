"""Mistakes of a reader on purpose: how many, of which kind, and nothing else."""

import numpy as np
import pytest

from sightread.synth.misreading import MISTAKES, Mistake, misread
from sightread.types import Quad, WordRegion

BOX: Quad = ((0, 0), (9, 0), (9, 5), (0, 5))
WORDS = [WordRegion(BOX, 0.9, "hilton", line=at) for at in range(2000)]


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_nothing_is_wrong_without_mistakes_and_everything_with_all(mistake: Mistake) -> None:
    assert misread(WORDS, 0.0, mistake, rng(), ["ibis"]) == tuple(WORDS)
    found = misread(WORDS, 1.0, mistake, rng(), ["ibis"])
    assert len(found) == (0 if mistake == "missed" else 2000)
    for one in found:
        assert len(one.text or "") == (6 if mistake == "letters" else 4)
        assert all(a != b for a, b in zip(one.text or "", "hilton", strict=False))
        assert (one.box, one.confidence) == (BOX, 0.9)


def test_as_many_are_hit_as_asked() -> None:
    letters = misread(WORDS, 0.2, "letters", rng())
    wrong = [a != b for one in letters for a, b in zip(one.text or "", "hilton", strict=True)]
    assert 0.18 < np.mean(wrong) < 0.22
    assert 0.37 < len(misread(WORDS, 0.6, "missed", rng())) / 2000 < 0.43
    foreign = misread(WORDS, 0.4, "foreign", rng(), ["ibis", "ritz"])
    assert 0.37 < np.mean([one.text != "hilton" for one in foreign]) < 0.43
    assert {one.text for one in foreign} == {"hilton", "ibis", "ritz"}


def test_mistakes_are_a_function_of_the_generator() -> None:
    assert misread(WORDS, 0.3, "letters", rng()) == misread(WORDS, 0.3, "letters", rng())
