"""Vectors of words: unit length, one for each word, alike for words that look alike."""

import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightread.scenetext.wordvectors import WIDTH, word_vectors


@given(st.lists(st.text(max_size=50), max_size=5))
def test_every_string_has_a_unit_vector(words: list[str]) -> None:
    found = word_vectors(words)
    assert found.shape == (len(words), WIDTH)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_words_are_compared_as_the_search_does() -> None:
    found = word_vectors(["Café!", "cafe", "CAFE", "face"])
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    assert found[0] @ found[3] < 0.6  # the same letters at other places


def test_likeness_follows_the_letters() -> None:
    word, near, other = word_vectors(["hilton", "hiiton", "marlboro"])
    assert word @ near > 0.5
    assert abs(word @ other) < 0.3


def test_unlike_words_are_nearly_orthogonal() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = sorted({"".join(rng.choice(letters, 6)) for _ in range(300)})
    found = word_vectors(words)
    cosines = (found @ found.T)[np.triu_indices(len(words), 1)]
    assert abs(float(cosines.mean())) < 0.1
    assert float(np.abs(cosines).max()) < 0.7


def test_one_vector_by_hand() -> None:
    # "a": pieces a, <a, a>, <a> (the ends alone do not count), 0/a, -1/a; crc32 of each chooses.
    import zlib

    expected = np.zeros(WIDTH)
    for piece in ("a", "<a", "a>", "<a>", "0/a", "-1/a"):
        number = zlib.crc32(piece.encode())
        expected[number % 256] += 1 if (number // 65536) % 2 else -1
    expected /= np.linalg.norm(expected)
    assert np.allclose(word_vectors(["A"])[0], expected, atol=1e-7)


def test_another_process_has_the_same_vectors() -> None:
    code = (
        "from sightread.scenetext.wordvectors import word_vectors;"
        "import hashlib;print(hashlib.sha256(word_vectors(['hotel','東京']).tobytes()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert len(answers.pop()) == 65
