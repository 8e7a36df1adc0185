"""The words of a caption, those of them that are scene text, and the prompt that names them.

Sections 6.7 and 6.8 of the specification: neighbours that are tagged make one entity, what stands
in quotation marks always is one, at most six of them go into the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST_WORDS = 60
MOST_ENTITIES = 6
_WORD = re.compile(r"[^\W_]+(?:['’.&/-][^\W_]+)*")
_QUOTED = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]')


@dataclass(frozen=True, slots=True)
class CaptionWord:
    """`text` as it is typed, without punctuation round it; `follows` says that only a space parts
    it from the word before; `quoted` numbers the span in quotation marks that it is in, -1: none.
    """

    text: str
    follows: bool = False
    quoted: int = -1


@dataclass(frozen=True, slots=True)
class Entity:
    """A word or phrase that is taken for scene text: words `first` to `last` of the caption."""

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Templates:
    """How the prompt is worded: `one` has {0} for the entity, `several` for the list of them, each
    set in `item` and joined by `between`."""

    one: str = 'There is scene text: "{0}" in this image.'
    several: str = "There are scene texts: {0}, in this image."
    item: str = '"{0}"'
    between: str = ", "


PAPER = Templates()
WORDS_ONLY = Templates("{0}", "{0}", "{0}", " ")
PHOTO_OF = Templates("a photo of {0}.", "a photo of {0}.", "{0}", ", ")


def caption_words(text: str, most: int = MOST_WORDS) -> tuple[CaptionWord, ...]:
    """The words of a caption in order, `most` at most; none if it has no letter or digit."""
    spans = [match.span(1) for match in _QUOTED.finditer(text)]
    found: list[CaptionWord] = []
    end = -1
    for match in _WORD.finditer(text):
        start = match.start()
        inside = (at for at, (low, high) in enumerate(spans) if low <= start < high)
        follows = bool(found) and not text[end:start].strip()
        found.append(CaptionWord(match.group(), follows, next(inside, -1)))
        end = match.end()
    return tuple(found[:most])


def entities(
    words: Sequence[CaptionWord],
    tagged: Sequence[bool],
    merge: bool = True,
    most: int = MOST_ENTITIES,
) -> tuple[Entity, ...]:
    """What is taken for scene text, in order, `most` at most.

    Args:
        words: of one caption.
        tagged: for each word, whether it is inferred to be scene text.
        merge: tagged words that only spaces part are one entity. A quoted span always is.
    """
    runs: list[list[int]] = []
    for at, (word, positive) in enumerate(zip(words, tagged, strict=True)):
        if not (positive or word.quoted >= 0):
            continue
        joins = bool(runs) and runs[-1][-1] == at - 1 and _together(words[at - 1], word, merge)
        if joins:
            runs[-1].append(at)
        else:
            runs.append([at])
    texts = (" ".join(words[at].text for at in run) for run in runs[:most])
    return tuple(
        Entity(text, run[0], run[-1]) for text, run in zip(texts, runs[:most], strict=True)
    )


def _together(before: CaptionWord, word: CaptionWord, merge: bool) -> bool:
    if word.quoted >= 0 or before.quoted >= 0:
        return word.quoted == before.quoted
    return merge and word.follows


def prompt(
    names: Sequence[str],
    templates: Templates = PAPER,
    fits: Callable[[str], bool] = lambda _: True,
) -> tuple[str, int]:
    """The sentence that names the entities, and how many of them are in it; ("", 0) for none.

    Args:
        fits: whether the text encoder can take a text whole; entities are dropped from the end
            until it can. A single one that does not fit is kept: the tokeniser cuts it.
    """
    for count in range(len(names), 1, -1):
        items = templates.between.join(templates.item.format(name) for name in names[:count])
        text = templates.several.format(items)
        if fits(text):
            return text, count
    return (templates.one.format(names[0]), 1) if names else ("", 0)
