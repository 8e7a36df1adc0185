"""The query side of FDP: sections 5.1 and 5.2 and check 6 of section 14."""

import numpy as np
import pytest
import torch

from sightread.errors import UsageError
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.queries import CONTENT, FUNCTION, fit_clusters, nearest_cluster
from tests.methods.fdp.conftest import DOT, END, START, make_fdp, queries


def test_prompt_layout(fdp: FDP) -> None:
    tokens = queries([1, 2, 3], [4])
    embedded, end = fdp.prompts(fdp.clip, tokens, torch.tensor([FUNCTION, CONTENT]))
    table = fdp.clip.token_embedding.weight
    # [EOT] stands at 1 + n_ctx + len(query) + 1: 1 + 2 + 3 + 1 and 1 + 4 + 1 + 1.
    assert end.tolist() == [7, 7]
    expected = [
        torch.stack([table[START], *fdp.prompts.function_context, *table[[1, 2, 3, DOT, END]]]),
        torch.stack([table[START], *fdp.prompts.content_context, *table[[4, DOT, END]]]),
    ]
    for row, wanted in zip(embedded, expected, strict=True):
        assert torch.equal(row[: len(wanted)], wanted)


def test_a_prompted_query_equals_its_plain_encoding(fdp: FDP) -> None:
    """With contexts that are embeddings of tokens, prompting is plain encoding."""
    table = fdp.clip.token_embedding.weight
    with torch.no_grad():
        fdp.prompts.function_context.copy_(table[[11, 12]])
        fdp.prompts.content_context.copy_(table[[21, 22, 23, 24]])
    tokens = queries([1, 2, 3], [4])
    got = fdp.encode_text(tokens, torch.tensor([FUNCTION, CONTENT]))
    plain = queries([11, 12, 1, 2, 3, DOT], [21, 22, 23, 24, 4, DOT])
    torch.testing.assert_close(got, fdp.clip.encode_text(plain))


def test_a_long_query_is_cut_to_make_room(fdp: FDP) -> None:
    tokens = queries(list(range(1, 11)))  # ten tokens fill all 12 places
    embedded, end = fdp.prompts(fdp.clip, tokens, torch.tensor([CONTENT]))
    table = fdp.clip.token_embedding.weight
    # 12 places less [SOT], 4 of context, "." and [EOT] leave 5.
    assert end.tolist() == [11]
    assert torch.equal(embedded[0, 5:], table[[1, 2, 3, 4, 5, DOT, END]])


def test_clusters_are_named_by_their_anchors() -> None:
    rng = np.random.default_rng(0)
    spread = rng.normal(0, 0.1, (20, 6)) + np.repeat([[0.0], [3.0]], 10, axis=0)
    features = torch.tensor(spread, dtype=torch.float32)
    words = [f"w{i}" for i in range(20)]
    for anchors, low in ((("w1", "w15"), FUNCTION), (("w15", "w1"), CONTENT)):
        centroids = fit_clusters(features, words, anchors, 0)
        assert nearest_cluster(torch.zeros(1, 6), centroids).tolist() == [low]
        assert nearest_cluster(torch.full((1, 6), 3.0), centroids).tolist() == [1 - low]
    with pytest.raises(UsageError, match='"w1" and "w2" into one cluster'):
        fit_clusters(features, words, ("w1", "w2"), 0)
    with pytest.raises(UsageError, match='lacks the anchor "office"'):
        fit_clusters(features, words, ("w1", "office"), 0)


def test_the_nearer_centroid_decides_by_distance_not_by_angle() -> None:
    centroids = torch.tensor([[1.0, 0.0], [10.0, 10.0]])
    # (3, 3) points to the second centroid, but is nearer to the first: 13 against 98.
    assert nearest_cluster(torch.tensor([[3.0, 3.0]]), centroids).tolist() == [FUNCTION]
    # From (0, 0): 9 + 9 = 18 against 25, though 3 + 3 is more than 5.
    corners = torch.tensor([[3.0, 3.0], [0.0, 5.0]])
    assert nearest_cluster(torch.zeros(1, 2), corners).tolist() == [FUNCTION]


def test_a_query_takes_the_prompt_of_its_bare_encoding(fdp: FDP) -> None:
    tokens = queries([1, 2], [3])
    bare = fdp.clip.encode_text(tokens)
    fdp.centroids.copy_(torch.stack([bare[0], bare[1]]))
    assert fdp.cluster(tokens).tolist() == [FUNCTION, CONTENT]
    chosen = fdp.encode_text(tokens)
    torch.testing.assert_close(chosen, fdp.encode_text(tokens, torch.tensor([FUNCTION, CONTENT])))
    assert not torch.allclose(chosen, fdp.encode_text(tokens, torch.tensor([CONTENT, FUNCTION])))


def test_without_distinction_all_queries_share_the_content_prompt() -> None:
    plain = make_fdp(distinction=False)
    assert plain.cluster(queries([1, 2], [3])).tolist() == [CONTENT, CONTENT]


def test_what_stands_behind_the_end_does_not_matter(fdp: FDP) -> None:
    tokens = queries([1, 2])
    noisy = tokens.clone()
    noisy[0, 4:] = 5
    kind = torch.tensor([FUNCTION])
    torch.testing.assert_close(fdp.encode_text(tokens, kind), fdp.encode_text(noisy, kind))
