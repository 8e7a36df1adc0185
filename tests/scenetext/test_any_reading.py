"""Whatever a reader says, a picture is prepared: nothing fails, nothing leaves its range."""

from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sightread.preprocess import PreprocessSpec
from sightread.scenetext.marks import MarkSettings, marked
from sightread.scenetext.places import pooling, token_boxes
from sightread.scenetext.tokens import scene_tokens
from sightread.scenetext.wordvectors import word_vectors
from sightread.types import RGBImage, WordRegion

NUMBER = st.one_of(st.floats(-50, 150), st.floats(), st.integers(-(10**9), 10**9).map(float))
POINT = st.tuples(NUMBER, NUMBER)
WORD: st.SearchStrategy[WordRegion] = st.builds(
    WordRegion,
    st.tuples(POINT, POINT, POINT, POINT),
    st.floats(),
    st.one_of(st.none(), st.text(max_size=12)),
)


# Finite, but its area is not.
FAR = WordRegion(((0.0, 0.0), (0.0, 0.0), (0.0, 5.6e303), (32334.0, 0.0)), 1.0, "0")


@settings(max_examples=60, deadline=None)
@example([FAR], 1, 1, "quad", "word", "pad")
@given(
    st.lists(WORD, max_size=8),
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["quad", "quad_tint", "ellipse", "blur"]),
    st.sampled_from(["word", "line", "block"]),
    st.sampled_from(["pad", "crop", "squash"]),
)
def test_any_reading(
    words: list[WordRegion], width: int, height: int, style: Any, level: Any, fit: Any
) -> None:
    image: RGBImage = np.full((height, width, 3), 90, np.uint8)
    tokens = scene_tokens(words, width, height)
    drawn = marked(image, tokens, MarkSettings(style, level))
    assert (drawn.shape, drawn.dtype) == (image.shape, image.dtype)
    boxes = token_boxes(tokens, width, height, PreprocessSpec(32, fit))
    assert boxes.shape == (len(tokens), 4)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] <= boxes[:, 2:]).all()
    pools = pooling(boxes, 4)
    assert np.allclose(pools.sum(1), 1, atol=1e-5)
    assert np.isfinite(word_vectors([one.text for one in tokens])).all()
    assert not len(tokens) > len(words)
