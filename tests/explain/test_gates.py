"""What a language model says is cleaned, cut and judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightread.explain.explanation import Subject
from sightread.explain.gates import MAX_CHARS, MAX_WORDS, cleaned, fitted, judged, names

ZORIN = Subject("Mara Zorin")
GOOD = "Mara Zorin is a tall woman with grey hair in a blue coat."


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"  {GOOD}\n",
        f'"{GOOD}"',
        f"“{GOOD}”",
        f"**{GOOD}**",
        f"Sure, here is a visual note:\n{GOOD}",
        f"Here are the notes you asked for: {GOOD}",
        f"Description: {GOOD}",
        f"<think>Who is that? Mara Zorin...</think>\n\n{GOOD}",
        "- Mara Zorin is a tall woman\n- with grey hair in a blue coat.",
        "1. Mara Zorin is a tall woman\n2. with grey hair in a blue coat.",
        "Mara Zorin is a tall\u200b woman\x07 with grey hair in a `blue` coat.",
    ],
)
def test_what_surrounds_an_answer_is_taken_off(answer: str) -> None:
    text, verdict = judged(answer, ZORIN, must_name=True)
    assert (text.replace("  ", " "), verdict) == (GOOD, "good")


def test_inner_words_stay() -> None:
    said = 'Sure Hotel is a white block. Its sign says "OPEN" in red.'
    assert cleaned(said) == said
    # A reasoning that was cut off has no answer behind it.
    assert judged("<think>Let me see, Mara Zorin is", ZORIN, must_name=True) == ("", "empty")


@pytest.mark.parametrize("answer", ["", " \n", "...", "—", "<think>hm</think>", "``"])
def test_nothing_is_empty(answer: str) -> None:
    assert judged(answer, ZORIN, must_name=True)[1] == "empty"


@pytest.mark.parametrize(
    "answer",
    [
        "unknown",
        "Unknown.",
        "I'm sorry, but I cannot describe Mara Zorin.",
        "I’m not familiar with Mara Zorin.",
        "I don't have any information on Mara Zorin.",
        "As an AI language model, I do not look at people.",
        "Unfortunately, Mara Zorin is not known to me.",
        "There is no information about Mara Zorin.",
        "N/A",
    ],
)
def test_refusals(answer: str) -> None:
    assert judged(answer, ZORIN, must_name=True)[1] == "refused"


@pytest.mark.parametrize(
    "answer", ["Unknown Pleasures is a black album cover. ", "Sorrento is blue."]
)
def test_names_that_look_like_refusals(answer: str) -> None:
    subject = Subject(" ".join(answer.split()[:2]).removesuffix(" is"))
    assert judged(answer, subject, must_name=True)[1] == "good"


def test_sentences_are_kept_as_far_as_they_fit() -> None:
    # 11 words a sentence: five are 55, the sixth does not fit.
    sentence = "Mara Zorin wears a blue coat and a very wide hat."
    assert len(sentence.split()) == 11
    text, verdict = judged(" ".join([sentence] * 7), ZORIN, must_name=True)
    assert (len(text.split()), verdict) == (55, "good")
    assert text.endswith("hat.")


def test_one_endless_sentence_is_too_long() -> None:
    assert judged("Mara Zorin " + "and so on " * 30, ZORIN, must_name=True)[1] == "too long"
    assert judged("マラ" + "青" * MAX_CHARS, Subject("マラ"), must_name=True)[1] == "too long"


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        (GOOD, "mara ZORIN", True),
        ("Zorin's coat is blue.", "Mara Zorin", True),  # half of the name
        ("A bee queen is an insect.", "Queen Elizabeth II", True),  # the gate is no expert
        ("Elizabeth II wore bright coats.", "Queen Elizabeth II", True),
        ("A tall tower of iron.", "Eiffel Tower", True),
        ("A brown dog on a lawn.", "Eiffel Tower", False),
        ("The II is a number.", "Queen Elizabeth II", False),  # too short to tell
        ("東京駅は赤い煉瓦の建物。", "東京駅", True),
        ("赤い煉瓦の建物。", "東京駅", False),
        ("U2 are four men in black.", "U2", True),
        ("The Cafe Muller is a stage.", "Café Müller", True),
    ],
)
def test_off_topic(text: str, name: str, named: bool) -> None:
    assert names(text, Subject(name)) is named
    assert judged(text, Subject(name), must_name=True)[1] == ("good" if named else "off topic")
    assert judged(text, Subject(name), must_name=False)[1] == "good"


def test_a_caption_is_named_by_one_word_of_weight() -> None:
    caption = Subject("Mara Zorin opens the new bridge", "caption")
    assert names("A woman cuts a ribbon on a bridge.", caption)
    assert not names("The dog has a new ball.", caption)


@given(st.text(max_size=2000))
def test_a_good_text_is_short_and_on_one_line(answer: str) -> None:
    text, verdict = judged(answer, ZORIN, must_name=False)
    if verdict == "good":
        assert len(text.split()) <= MAX_WORDS
        assert 0 < len(text) <= MAX_CHARS
        assert "\n" not in text
        assert fitted(text) == text
