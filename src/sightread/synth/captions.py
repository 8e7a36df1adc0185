"""Sentences about scenes: the forms of queries, and captions to train on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightread.synth.plans import DrawnObject, Scene, WrittenWord

Rng = np.random.Generator


def colour_query(word: str, colour: str) -> str:
    """A word in a colour: "red word taxi"."""
    return f"{colour} word {word}"


def object_query(word: str, name: str) -> str:
    """A word in a picture that also shows a thing: "word taxi with a fish"."""
    return f"word {word} with {a(name)}"


def a(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def caption(scene: Scene, rng: Rng) -> str:
    """A sentence, in small letters, that is true of the scene; most name a word or phrase.

    Its words are those of `Scene.words` in small letters. A picture without words and things is
    "a picture without words"; of one with things only, the bare noun may be the caption, so that
    "star" stands for a star that is drawn and for one that is written, as in captions of people.
    """
    if not scene.words and scene.objects and rng.random() < 0.5:
        return _pick([thing.name for thing in scene.objects], rng)
    things = [_thing(thing, rng) for thing in scene.objects]
    if not scene.words:
        return _pick(things, rng) if things else "a picture without words"
    if things and rng.random() < 0.15:
        return _pick(things, rng)
    phrases = sorted({word.phrase for word in scene.words})
    chosen = phrases[int(rng.integers(len(phrases)))]
    words = [word for word in scene.words if word.phrase == chosen]
    text = _FORMS[int(rng.integers(len(_FORMS)))](words)
    if things and rng.random() < 0.3:
        thing = scene.objects[int(rng.integers(len(scene.objects)))]
        plain = object_query(_text(words), thing.name)
        return plain if rng.random() < 0.5 else f"{text} and {_thing(thing, rng)}"
    return text


def _text(words: list[WrittenWord]) -> str:
    return " ".join(word.text.lower() for word in words)


def _noun(words: list[WrittenWord]) -> str:
    return "word" if len(words) == 1 else "words"


def _on(words: list[WrittenWord]) -> str:
    first = words[0]
    if not first.on:
        return f"the {_noun(words)} {_text(words)}"
    return f"the {_noun(words)} {_text(words)} on {a(f'{first.on_colour} {first.on}')}"


_FORMS: tuple[Callable[[list[WrittenWord]], str], ...] = (
    _text,
    _text,
    _text,
    lambda words: f"the {_noun(words)} {_text(words)}",
    lambda words: f"a picture with the {_noun(words)} {_text(words)}",
    lambda words: f"{words[0].colour} {_noun(words)} {_text(words)}",
    lambda words: f"the {_noun(words)} {_text(words)} in {words[0].colour}",
    _on,
)


def _thing(thing: DrawnObject, rng: Rng) -> str:
    return a(thing.name) if rng.random() < 0.3 else a(f"{thing.colour} {thing.name}")


def _pick(sentences: list[str], rng: Rng) -> str:
    return sentences[int(rng.integers(len(sentences)))]
