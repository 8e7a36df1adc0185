"""What the cosines of a word spotter mean: the fit, and what is asked for."""

import numpy as np
import pytest

from sightread.errors import ModelError
from sightread.lab.calibrate import Pairs, absent_words, calibrate, fit
from sightread.regions import Looks, WordCalibration
from sightread.search.calibrate import DEFAULT_THRESHOLD
from sightread.types import EncoderSpec, ReaderSpec, RGBImage, Vectors, WordRegion

TRUE = WordCalibration(
    slope=20.0, offset=-11.0, length=-1.0, unlike=-1.0, certain=-1.5, sure=-3.0, regions=4_000
)


def drawn(count: int, absent: int = 0) -> Pairs:
    """Pairs whose odds are those of `TRUE`, and as many words that are nowhere as asked for."""
    chance = np.random.default_rng(0)
    looks = Looks(
        chance.uniform(0.3, 1.0, count),
        (1 + chance.choice(5, count)) / 5,
        chance.uniform(0.2, 0.999, count),
    )
    length = np.log(chance.integers(3, 10, count))
    certain = -np.log10(1 - looks.confidence) / 4
    odds = TRUE.slope * looks.cosine + TRUE.offset + TRUE.length * length
    odds += TRUE.unlike * looks.unlike + (TRUE.certain + TRUE.sure * looks.unlike) * certain
    right = chance.random(count) < 1 / (1 + np.exp(-odds))
    numbers = np.full(count, -1)
    wrong = np.flatnonzero(~right)
    numbers[wrong[:absent]] = np.arange(absent)
    return Pairs(looks, length, right, numbers, 4_000)


def test_the_line_that_made_the_pairs_is_found() -> None:
    found = fit(drawn(40_000))
    for name in ("slope", "offset", "length", "unlike", "certain", "sure"):
        expected = getattr(TRUE, name)
        assert getattr(found.calibration, name) == pytest.approx(expected, abs=0.9), name
    assert found.calibration.regions == 4_000
    assert found.error < 0.01
    assert found.accepted == 0


def test_what_was_read_exactly_does_not_count() -> None:
    pairs = drawn(4_000)
    exact = Looks(pairs.looks.cosine, np.zeros(4_000), pairs.looks.confidence)
    columns = ("cosine", "unlike", "confidence")
    both = [
        np.concatenate([getattr(one, name) for one in (pairs.looks, exact)]) for name in columns
    ]
    longer = Pairs(
        Looks(*both),
        np.concatenate([pairs.length, pairs.length]),
        np.concatenate([pairs.right, pairs.right]),
        np.concatenate([pairs.absent, pairs.absent]),
        4_000,
    )
    assert fit(longer) == fit(pairs)


def test_few_absent_words_pass_for_found() -> None:
    # All of them are wrong pairs of a line that gives a third of those a chance above 0.3.
    found = fit(drawn(4_000, absent=1_000), DEFAULT_THRESHOLD)
    assert 0.005 <= found.accepted <= 0.01
    assert found.calibration.offset < TRUE.offset - 0.5
    assert 0.05 < found.found < 1


def test_vectors_that_tell_nothing_are_refused() -> None:
    pairs = drawn(2_000)
    blind = Pairs(
        Looks(pairs.looks.cosine[::-1].copy(), pairs.looks.unlike, pairs.looks.confidence),
        pairs.length, pairs.right, pairs.absent, 4_000,
    )  # fmt: skip
    with pytest.raises(ModelError, match="has not learned to tell words apart"):
        fit(blind)
    none = Pairs(pairs.looks, pairs.length, np.zeros_like(pairs.right), pairs.absent, 4_000)
    with pytest.raises(ModelError, match="No word that was misread"):
        fit(none)


def test_absent_words_are_absent_and_some_are_near() -> None:
    present = ["coffee", "taxi", "hotel", "parking", "museum"] * 8
    found = absent_words(sorted(set(present)) * 8, np.random.default_rng(0))
    assert len(found) == len(set(found)) == 40
    assert not set(found) & set(present)
    assert absent_words(["coffee"] * 8, np.random.default_rng(0)) == absent_words(
        ["coffee"] * 8, np.random.default_rng(0)
    )


class BlindReader:
    """Sees nothing."""

    spec = ReaderSpec("blind", "r1", space=EncoderSpec("words", 4, "a" * 64))

    def read(self, images: list[RGBImage]) -> list[list[WordRegion]]:
        return [[] for _ in images]

    def encode_words(self, words: list[str]) -> Vectors:
        return np.zeros((len(words), 4), np.float32)


def test_a_reader_that_sees_nothing_cannot_be_calibrated() -> None:
    with pytest.raises(ModelError, match="0 regions seen, too few"):
        calibrate(BlindReader(), 3)  # type: ignore[arg-type]
