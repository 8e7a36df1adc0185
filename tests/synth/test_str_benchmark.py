"""The rendered scene-text benchmark: disjoint words, the structure of its groups, and its truth."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein
from tests.synth.faces import PACKAGED

from sightread.errors import PictureError, UsageError
from sightread.synth.captions import caption
from sightread.synth.plans import DrawnObject, Scene, WrittenWord
from sightread.synth.str_benchmark import (
    FIRST_SEED,
    GROUPS,
    StrSettings,
    SynthStr,
    build,
    heights,
    synth_str,
    training_plan,
    training_words,
)
from sightread.synth.str_plans import Split
from sightread.synth.vocabulary import (
    content_words,
    drawable_words,
    every_word,
    function_words,
    look_alikes,
    seen_words,
    sign_words,
    training_lexicon,
    unseen_words,
    words_of_two_kinds,
)

TINY = StrSettings(queries=3, positives=2, distractors=4, others=6, seed=11)


def tiny(split: Split = "test") -> SynthStr:
    return build(replace(TINY, split=split), PACKAGED)


def of_group(benchmark: SynthStr, group: str) -> list[str]:
    return [query for query, asked in benchmark.asked.items() if asked.group == group]


def test_word_lists_are_what_they_say() -> None:
    assert len(function_words()) >= 100
    assert len(content_words()) >= 100
    assert len(sign_words()) >= 600
    assert len(drawable_words()) >= 24
    assert len(set(every_word())) == len(every_word())
    assert all(word.isalnum() and word == word.lower() for word in every_word())
    assert {"the", "office", *drawable_words()} <= set(seen_words())


def test_unseen_words_are_never_trained_on() -> None:
    unseen = set(unseen_words())
    assert len(unseen) > 100
    assert not unseen & set(training_words(TINY))
    rng = np.random.default_rng(0)
    shown = {
        word
        for _ in range(400)
        for plan in training_plan(rng, TINY).words
        for word in plan.text.split()
    }
    assert shown <= set(training_words(TINY))
    asked = {asked.words[0] for asked in tiny().asked.values() if asked.group == "unseen"}
    assert asked <= unseen


@pytest.mark.parametrize("split", ["train", "val"])
def test_other_splits_show_no_unseen_word(split: Split) -> None:
    benchmark = tiny(split)
    shown = {word.text.lower() for one in benchmark.shown.values() for word in one.words}
    assert not shown & set(unseen_words())
    assert set(benchmark.task.groups.values()) == set(GROUPS) - {"unseen"}


def test_splits_share_no_seed() -> None:
    splits: tuple[Split, ...] = ("train", "val", "test")
    seeds = [shown.seed for split in splits for shown in tiny(split).shown.values()]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= FIRST_SEED


def test_every_query_has_the_answers_that_were_made_for_it() -> None:
    benchmark = tiny()
    task = benchmark.task
    assert task.name == "synth-str"
    assert set(task.groups.values()) == set(GROUPS)
    assert len(task.queries) == 3 * len(GROUPS)
    assert len(task.gallery) == len(task.queries) * (2 + 4) + 6
    assert all(len(found) >= 2 for found in task.qrels.values())
    assert all(found <= set(task.gallery) for found in task.qrels.values())


def test_relevance_is_what_the_pictures_show() -> None:
    """An independent reading of the plans: what was asked to be drawn, and came out."""
    benchmark = tiny()
    for query, asked in benchmark.asked.items():
        for picture, shown in benchmark.shown.items():
            texts = {
                " ".join(w.text.lower() for w in shown.words if w.phrase == i)
                for i, plan in enumerate(shown.plan.words)
                if asked.colour in (None, plan.colour)
            }
            wanted = " ".join(asked.words)
            right = any(f" {wanted} " in f" {text} " for text in texts)
            right = right and asked.thing in (None, *shown.things)
            assert right == (picture in benchmark.task.qrels[query]), (query, picture)


def test_look_alikes_are_one_edit_away_and_in_the_gallery() -> None:
    benchmark = tiny()
    for query in of_group(benchmark, "look-alike"):
        word = benchmark.task.queries[query]
        near = {
            shown_word.text.lower()
            for shown in benchmark.shown.values()
            for shown_word in shown.words
            if Levenshtein.distance(shown_word.text.lower(), word) == 1
        }
        assert len(near) >= 2, word


def test_made_up_look_alikes_follow_the_words_of_the_lists() -> None:
    rng = np.random.default_rng(0)
    near = look_alikes("hotel", 4, rng)
    # The lists hold motel, hostel and hotels; one more is made up by changing a letter.
    assert set(near[:3]) == {"motel", "hostel", "hotels"}
    assert len(near) == 4
    assert all(Levenshtein.distance("hotel", other) == 1 for other in near)
    assert not set(near[3:]) & set(every_word())
    assert "motel" not in look_alikes("hotel", 4, rng, ["motel"])


def test_content_distractors_draw_the_thing_without_the_word() -> None:
    benchmark = tiny()
    for query in of_group(benchmark, "content"):
        name = benchmark.task.queries[query]
        drawn = {p for p, shown in benchmark.shown.items() if name in shown.things}
        assert len(drawn - benchmark.task.qrels[query]) >= 4


def test_colour_and_object_queries_are_spelled_as_a_person_would() -> None:
    benchmark = tiny()
    for query in of_group(benchmark, "colour"):
        asked = benchmark.asked[query]
        assert benchmark.task.queries[query] == f"{asked.colour} word {asked.words[0]}"
    for query in of_group(benchmark, "object"):
        asked = benchmark.asked[query]
        assert asked.thing is not None
        assert benchmark.task.queries[query].startswith(f"word {asked.words[0]} with a")
        assert benchmark.task.queries[query].endswith(asked.thing)


def test_pictures_come_lazily_and_always_the_same() -> None:
    task = synth_str(TINY, PACKAGED)
    first = task.load(task.gallery[0])
    assert first.shape == (160, 160, 3)
    assert np.array_equal(first, task.load(task.gallery[0]))
    with pytest.raises(PictureError, match="'nothing'"):
        task.load("nothing")


def test_heights_are_those_of_the_relevant_pictures() -> None:
    tall = heights(TINY, PACKAGED)
    assert {query: set(found) for query, found in tall.items()} == dict(
        synth_str(TINY, PACKAGED).qrels
    )
    every = [height for found in tall.values() for height in found.values()]
    # Planned from 6 to 64 px in the middle of the writing; a word at the far end of a phrase may
    # look up to a quarter smaller.
    assert 6 * 0.75 <= min(every) < 10
    assert 20 < max(every) <= 64 * 1.3


def test_everything_scales_with_the_size() -> None:
    small = build(StrSettings(queries=2, positives=2, distractors=1, others=0), PACKAGED)
    large = build(
        StrSettings(queries=2, positives=2, distractors=1, others=0, size_px=320), PACKAGED
    )
    assert small.task.queries == large.task.queries
    assert large.task.load(large.task.gallery[0]).shape == (320, 320, 3)
    ratio = [
        np.mean([h for found in one.heights.values() for h in found.values()])
        for one in (large, small)
    ]
    assert ratio[0] / ratio[1] == pytest.approx(2, rel=0.35)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (StrSettings(queries=150), "words for .* queries of 150"),
        (StrSettings(queries=1, heights=(0.9, 0.95)), "cannot hold"),
        (StrSettings(queries=1, heights=(0.5, 0.1)), "heights between 0 and 1"),
        (StrSettings(queries=0), "one query"),
        (StrSettings(split="dev"), "no split 'dev'"),  # type: ignore[arg-type]
    ],
)
def test_impossible_settings_get_one_sentence(settings: StrSettings, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        synth_str(settings, PACKAGED)


def test_captions_are_true_of_the_scene() -> None:
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    pixels = np.zeros((8, 8, 3), np.uint8)
    words = tuple(
        WrittenWord(text, square, "red", 10.0, 0, "sign", "yellow") for text in ("NEW", "York")
    )
    scene = Scene(pixels, words, (DrawnObject("apple", "green", square),))
    said = {caption(scene, np.random.default_rng(seed)) for seed in range(200)}
    assert {"new york", "the words new york on a yellow sign", "red words new york"} <= said
    assert {"a green apple", "an apple", "word new york with an apple"} <= said
    assert all("new york" in text or "apple" in text for text in said)
    # Without a word in the picture, the noun alone may stand for what is drawn.
    drawn = Scene(pixels, (), (DrawnObject("apple", "green", square),))
    said = {caption(drawn, np.random.default_rng(seed)) for seed in range(50)}
    assert said == {"apple", "an apple", "a green apple"}
    empty = Scene(pixels, (), ())
    assert caption(empty, np.random.default_rng(0)) == "a picture without words"


def test_the_training_lexicon_has_neighbours_and_nothing_unseen() -> None:
    lexicon = training_lexicon()
    assert len(set(lexicon)) == len(lexicon)
    assert lexicon[: len(seen_words())] == seen_words()
    assert not set(lexicon) & set(unseen_words())
    words = np.array([w for w in seen_words() if len(w) <= 5])[::20]
    for word in words.tolist():
        near = [other for other in lexicon if Levenshtein.distance(word, other) == 1]
        assert len(near) >= 3, word


def test_words_of_two_kinds_are_equally_long() -> None:
    words = words_of_two_kinds()
    drawable = [word for word in words if word in set(drawable_words())]
    function = [word for word in words if word in set(function_words())]
    assert drawable == list(drawable_words())
    assert len(drawable) + len(function) == len(words)
    lengths, others = (Counter(map(len, kind)) for kind in (drawable, function))
    # There are fewer long function words than long nouns.
    assert all(others[length] <= count for length, count in lengths.items())
    assert all(others[length] == lengths[length] for length in (3, 4, 5))
