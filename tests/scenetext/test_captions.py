"""Words of captions, entities, and prompts to the letter (6.7 and 6.8)."""

import pytest

from sightread.errors import ModelError, UsageError
from sightread.scenetext.captions import (
    PAPER,
    PHOTO_OF,
    WORDS_ONLY,
    Templates,
    caption_words,
    entities,
    prompt,
)
from sightread.scenetext.settings import SceneTextSettings

SIX = ["a1", "b2", "c3", "d4", "e5", "f6"]


def named(caption: str, tags: str, merge: bool = True, most: int = 6) -> list[str]:
    """Entities of a caption of which the words marked with 1 are tagged."""
    found = entities(caption_words(caption), [tag == "1" for tag in tags], merge, most)
    return [entity.text for entity in found]


def test_words_keep_their_case_and_lose_their_punctuation() -> None:
    words = caption_words("A bus, that says King's Cross (RE-16A)!")
    assert [word.text for word in words] == [
        "A",
        "bus",
        "that",
        "says",
        "King's",
        "Cross",
        "RE-16A",
    ]
    assert [word.follows for word in words] == [False, True, False, True, True, True, False]
    assert caption_words(" ... ") == ()
    assert len(caption_words("one " * 100)) == 60


def test_neighbours_are_one_entity() -> None:
    assert named("the King's Cross sign", "0110") == ["King's Cross"]
    assert named("the King's Cross sign", "0110", merge=False) == ["King's", "Cross"]
    assert named("West, Indian food", "110") == ["West", "Indian"]
    assert named("no words here", "000") == []
    assert named("a b c d e f g", "1010101", most=3) == ["a", "c", "e"]


@pytest.mark.parametrize("marks", ['""', "“”", "„“", "«»"])
def test_quoted_spans_are_entities(marks: str) -> None:
    quoted = f"a sign {marks[0]}Open 24 hours{marks[1]} on a door"
    assert named(quoted, "00000000") == ["Open 24 hours"]
    # The word before a quotation does not join it, nor do two quotations each other.
    assert named(quoted, "01000010") == ["sign", "Open 24 hours", "a"]
    assert named(f"{marks[0]}A{marks[1]} {marks[0]}B{marks[1]}", "00") == ["A", "B"]
    assert named(f"{marks[0]}West Indian{marks[1]}", "00", merge=False) == ["West Indian"]


def test_an_entity_ends_where_its_last_word_is() -> None:
    found = entities(caption_words("the King's Cross sign"), [False, True, True, False])
    assert (found[0].first, found[0].last) == (1, 2)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, 'There is scene text: "a1" in this image.'),
        (2, 'There are scene texts: "a1", "b2", in this image.'),
        (
            6,
            'There are scene texts: "a1", "b2", "c3", "d4", "e5", "f6", in this image.',
        ),
    ],
)
def test_the_paper_s_prompt_to_the_letter(count: int, text: str) -> None:
    assert prompt(SIX[:count]) == (text, count)


def test_other_templates() -> None:
    assert prompt(["a", "b"], WORDS_ONLY) == ("a b", 2)
    assert prompt(["a"], PHOTO_OF) == ("a photo of a.", 1)
    assert prompt(["{0}"], PAPER)[0] == 'There is scene text: "{0}" in this image.'


def test_whole_entities_are_dropped_where_the_context_is_short() -> None:
    assert prompt(SIX, fits=lambda text: len(text) <= 50) == (
        'There are scene texts: "a1", "b2", in this image.',
        2,
    )
    assert prompt(SIX, fits=lambda _: False) == ('There is scene text: "a1" in this image.', 1)


def test_settings_travel_as_plain_data() -> None:
    usual = SceneTextSettings()
    assert SceneTextSettings.from_json(usual.to_json()) == usual
    with pytest.raises(ModelError, match="scene text settings"):
        SceneTextSettings.from_json(usual.to_json() | {"colour": 1})
    with pytest.raises(UsageError, match="template"):
        SceneTextSettings(templates=Templates(one="no hole"))
    with pytest.raises(UsageError, match="threshold"):
        SceneTextSettings(threshold=1.5)
    with pytest.raises(UsageError, match="most_tokens"):
        SceneTextSettings(most_tokens=-1)
