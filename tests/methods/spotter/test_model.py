import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sightread.errors import ModelError, UsageError
from sightread.methods.spotter.model import BinPool, QueryTower, Spotter, SpotterConfig
from sightread.methods.spotter.recipe import SpotterRecipe, build, groups
from sightread.methods.spotter.start import load_weights
from sightread.spotting.alphabet import CLASSES, query_ids

TINY = SpotterConfig(
    finder=(4, 8, 8, 8, 8),
    finder_width=8,
    strip=(4, 8, 8),
    sequence=16,
    letters=16,
    bins=3,
    dim=32,
)


def test_bins_are_weighted_means_of_beginning_middle_and_end() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]])
    # Places 1/8, 3/8, 5/8, 7/8. The first bin, at 0, weighs 1 - 2 p: 3/4 and 1/4, the middle one,
    # at 1/2, 1 - 2 |p - 1/2|: 1/4, 3/4, 3/4, 1/4, the last as the first.
    expected = [(3 * 1 + 2) / 4, (1 + 3 * 2 + 3 * 3 + 4) / 8, (3 + 3 * 4) / 4]
    assert BinPool(3)(x)[0].tolist() == pytest.approx(expected)


def test_what_lies_behind_the_length_counts_nothing() -> None:
    x = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 99.0, -99.0]]])
    short = BinPool(3)(x, torch.tensor([4.0]))
    assert torch.allclose(short, BinPool(3)(x[:, :, :4]))


def test_shapes_of_all_parts() -> None:
    model = build(SpotterRecipe(model=TINY), 0).eval()
    with torch.no_grad():
        kernel, geometry = model.finder(torch.zeros(2, 3, 64, 96))
        vectors, logs = model.strips(torch.randn(3, 3, 32, 48))
    assert kernel.shape == (2, 32, 48)
    assert geometry.shape == (2, 3, 16, 24)
    assert vectors.shape == (3, 32)
    assert logs.shape == (3, 12, CLASSES)
    assert torch.allclose(logs.exp().sum(-1), torch.ones(3, 12), atol=1e-5)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)


def test_a_query_does_not_depend_on_its_padding_or_company() -> None:
    torch.manual_seed(0)
    tower = QueryTower(TINY).eval()
    ids = torch.from_numpy(query_ids(["taxi", "x" * 25, "7"]))
    together = tower(ids)
    for row, vector in zip(ids, together, strict=True):
        assert torch.allclose(tower(row[None])[0], vector, atol=1e-6)
    # Shorter contexts that still hold the word give the same.
    assert torch.allclose(tower(ids[:1, :6])[0], together[0], atol=1e-6)


def test_order_of_letters_matters_to_a_query() -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        vectors = QueryTower(TINY)(torch.from_numpy(query_ids(["abcd", "dcba"])))
    assert float((vectors[0] * vectors[1]).sum()) < 0.999


def test_residual_blocks_begin_as_the_identity() -> None:
    block = build(SpotterRecipe(model=TINY), 0).strips.picture[3].eval()
    x = torch.rand(1, 8, 4, 4)
    assert torch.allclose(block(x), x)


def test_only_what_is_taught_is_trained() -> None:
    model = Spotter(TINY)

    def trained(recipe: SpotterRecipe) -> set[int]:
        return {id(p) for group in groups(recipe, model) for p in group.parameters}

    finder = {id(p) for p in model.finder.parameters()}
    every = {id(p) for p in model.parameters()}
    assert trained(SpotterRecipe(model=TINY)) == every - finder
    assert trained(SpotterRecipe(model=TINY, finder=True)) == every
    assert trained(SpotterRecipe(model=TINY, finder=True, batch=0)) == finder
    with pytest.raises(UsageError, match="nothing to train"):
        groups(SpotterRecipe(model=TINY, batch=0), model)


def test_the_temperature_is_capped() -> None:
    model = Spotter(TINY)
    assert float(model.scale().detach()) == pytest.approx(math.exp(3), rel=1e-6)
    model.logit_scale.data.fill_(9.0)
    assert float(model.scale().detach()) == 100.0


def test_a_run_begins_with_the_weights_of_another(tmp_path) -> None:  # type: ignore[no-untyped-def]
    first, second = build(SpotterRecipe(model=TINY), 1), build(SpotterRecipe(model=TINY), 2)
    folder = tmp_path / "run" / "checkpoints" / "step-00000010"
    folder.mkdir(parents=True)
    save_file(first.state_dict(), folder / "model.safetensors")
    load_weights(second, tmp_path / "run")
    for ours, theirs in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    larger = build(SpotterRecipe(), 0)
    save_file(larger.state_dict(), folder / "model.safetensors")
    with pytest.raises(ModelError, match="other sizes"):
        load_weights(second, tmp_path / "run")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="no weights"):
        load_weights(second, tmp_path)


def test_a_larger_network_begins_as_the_smaller_one(tmp_path) -> None:  # type: ignore[no-untyped-def]
    small = build(SpotterRecipe(model=TINY), 1).eval()
    for buffer in small.buffers():
        if buffer.dtype == torch.float32:
            buffer.uniform_(0.5, 1.5)
    save_file(small.state_dict(), tmp_path / "model.safetensors")
    wider = replace(
        TINY,
        finder=(8, 16, 16, 16, 16),
        finder_blocks=(1, 2, 2, 2),
        finder_width=TINY.finder_width + 8,
        strip=(12, 16, 16),
        sequence=TINY.sequence + 16,
        letters=TINY.letters + 16,
    )
    large = build(SpotterRecipe(model=wider), 2).eval()
    load_weights(large, tmp_path)
    strips, pixels = torch.randn(2, 3, 32, 64), torch.randn(1, 3, 64, 64)
    ids = torch.from_numpy(query_ids(["cafe", "the"]))
    for ours, theirs in (
        (small.strips(strips)[0], large.strips(strips)[0]),
        (small.strips(strips)[1], large.strips(strips)[1]),
        (small.query(ids), large.query(ids)),
        (small.finder(pixels)[0], large.finder(pixels)[0]),
    ):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_the_same_seed_builds_the_same_network() -> None:
    first, second = (build(SpotterRecipe(model=TINY), 3).state_dict() for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
