"""`synth-entity`: names, looks, groups and splits."""

from dataclasses import astuple, replace

import numpy as np
import pytest

from sightread.clip.config import CONFIGS
from sightread.clip.tokens import tokenise, word_tokenizer
from sightread.errors import PictureError, UsageError
from sightread.synth import emblems as looks
from sightread.synth.emblems import Emblem, describe, draw_emblem, every_emblem
from sightread.synth.entities import (
    CAPTIONS,
    RESERVED,
    EntitySettings,
    build_entities,
    describe_freely,
    emblems_of_none,
    name_words,
    vocabulary,
)

SMALL = EntitySettings(head=3, tail=4, told=5, head_pictures=6, tail_pictures=2)


def test_there_are_as_many_emblems_as_the_rule_allows() -> None:
    # 4 patterns, 6 shapes, 6 symbols; 7 fields with 6 edges and 6 symbol colours each.
    found = every_emblem()
    assert len(found) == len(set(found)) == 4 * 6 * 6 * 7 * 6 * 6
    assert all(one.field not in (one.edge, one.symbol_hue) for one in found)


def test_every_attribute_can_be_seen() -> None:
    """Pictures of one seed differ wherever one attribute does."""
    base = Emblem("plain", "red", "disc", "white", "yellow", "star")
    options = {
        "pattern": looks.PATTERNS,
        "field": ("red", "green", "blue", "purple", "black"),
        "shape": looks.SHAPES,
        "edge": ("white", "green", "blue", "purple", "black", "yellow"),
        "symbol_hue": ("yellow", "green", "blue", "purple", "white", "black"),
        "symbol": looks.SYMBOLS,
    }
    for name, values in options.items():
        drawn = [draw_emblem(replace(base, **{name: value}), 5) for value in values]
        for at, one in enumerate(drawn):
            for other in drawn[at + 1 :]:
                different = np.abs(one.astype(int) - other).max(-1) > 40
                assert different.sum() >= 12, (name, at)  # pixels of 1,600


def test_a_picture_is_a_function_of_its_seed() -> None:
    emblem = every_emblem()[0]
    assert np.array_equal(draw_emblem(emblem, 3), draw_emblem(emblem, 3))
    assert not np.array_equal(draw_emblem(emblem, 3), draw_emblem(emblem, 4))
    assert draw_emblem(emblem, 3, 80).shape == (80, 80, 3)


def test_groups_have_their_pictures() -> None:
    made = build_entities(SMALL)
    assert [one.group for one in made.entities] == ["head"] * 3 + ["tail"] * 4 + ["told"] * 5
    counts = [sum(one.entity is entity for one in made.train) for entity in made.entities]
    assert counts == [6] * 3 + [2] * 4 + [0] * 5
    assert len({one.name for one in made.entities}) == 12
    assert len({one.emblem for one in made.entities}) == 12


def test_captions_name_and_explanations_describe() -> None:
    words = {word for one in every_emblem()[:200] for word in astuple(one)}
    made = build_entities(SMALL)
    for one in made.train:
        assert one.entity.name in one.caption
        assert not words & set(one.caption.split())
    for entity in made.entities:
        assert describe(entity.emblem) in entity.explanation
        assert entity.name in entity.explanation


def test_splits_share_no_picture_and_seeds_share_no_entity_by_design() -> None:
    made, other = build_entities(SMALL), build_entities(replace(SMALL, seed=1))
    groups = [made.train, made.shown("val"), made.shown("test"), made.shown("test", 1)]
    seeds = [{(one.entity.name, one.seed) for one in group} for group in groups]
    assert len(set.union(*seeds)) == sum(map(len, seeds))
    assert {one.name for one in made.entities} != {one.name for one in other.entities}
    assert build_entities(SMALL) is build_entities(replace(SMALL))


def test_a_test_looks_for_each_picture_once() -> None:
    task = build_entities(SMALL).task(draw=2)
    assert len(task.queries) == len(task.gallery) == 12
    assert all(task.qrels[name] == {name} for name in task.gallery)
    assert sorted(set(task.groups.values())) == ["head", "tail", "told"]
    assert task.load(task.gallery[0]).shape == (40, 40, 3)
    with pytest.raises(PictureError, match="has no picture 'x'"):
        task.load("x")


def test_a_backbone_sees_no_entity_and_reads_no_name() -> None:
    entities = {
        one.emblem
        for seed in range(5)
        for one in build_entities(EntitySettings(seed=seed)).entities
    }
    assert not entities & set(emblems_of_none())
    assert entities <= set(every_emblem()[:RESERVED])
    names = {word for part in name_words() for word in part}
    rng = np.random.default_rng(0)
    said = {word for one in emblems_of_none()[:300] for word in describe_freely(one, rng).split()}
    assert not said & names
    assert said <= set(vocabulary())


def test_every_word_is_known_to_the_tokeniser() -> None:
    pieces = word_tokenizer(vocabulary())
    text = CONFIGS["tiny-emblem"].text
    assert pieces.get_vocab_size() == text.vocab_size
    made = build_entities(EntitySettings())
    texts = [one.explanation for one in made.entities]
    texts += [form.format(name=made.entities[0].name) for form in CAPTIONS]
    ids = tokenise(pieces, texts, text.context_length)
    assert not (ids == 1).any()
    assert ids.argmax(-1).max() < text.context_length - 1  # nothing is cut
    assert tokenise(pieces, ["Vola unheard"], 6).tolist()[0][2] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": -1}, "needs a seed and groups of 0 or more"),
        ({"tail_pictures": 0}, "1 or more pictures"),
        ({"head": 2000}, "2 to 1,000 entities, not 2,009"),
    ],
)
def test_impossible_settings_are_one_sentence(change: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        build_entities(replace(SMALL, **change))
