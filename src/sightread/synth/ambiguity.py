"""`synth-ambiguity`: a benchmark of pictures that only their written words tell apart, rendered.

    made = build_ambiguity(AmbiguitySettings(seed=1))
    made.train                    # pictures, each with five captions and what was read in it
    made.task("unseen")

A group is four siblings: the same things, colours, places and ground. Two carriers bear words: (a,
b), (b, a), (c, d) and (d, c). Who sees no words finds one of four in a group; who knows which words
there are, but not on what, one of two (papers/hopid section 12, "SwapText").

Words are made up, and those of the split `unseen` are in no other. In some groups a word is the
name of a thing or a colour: a bus that reads "fish", beside a fish. What is read in a picture has
the mistakes of a reader: letters replaced, words missed, and words that no caption speaks of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.scenetext.pictures import CaptionedPicture
from sightread.synth.carriers import (
    CARRIERS,
    HUES,
    ICONS,
    SLOTS,
    Board,
    Shown,
    draw_board,
    loose_quad,
    plate_quad,
)
from sightread.synth.misreading import misread
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage, WordRegion

Split = Literal["train", "val", "seen", "unseen", "text-free"]
TESTS: tuple[Split, ...] = ("seen", "unseen", "text-free")
SIBLINGS = 4
CAPTIONS = 5
"""Of each picture."""
SEEN_WORDS, UNSEEN_WORDS = 600, 200

SAYS = ("that says {word}", "labelled {word}", "with the word {word}", "reading {word}")
JOINS = ("and", "next to", "beside", "near")
_BOTH, _ONE = 0.55, 0.80
"""Shares of captions that say both words, and that say one word or both with no other bearer."""
_STREAMS = {"train": 1, "val": 2, "seen": 3, "unseen": 4, "text-free": 5}
_SEEDS = 2**30

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class AmbiguitySettings:
    """Sizes, the mistakes of the reader, and the seed that chooses things, words and captions.

    Attributes:
        groups, val_groups, test_groups: of four pictures, for training, validation and each test.
        plain, val_plain, test_plain: pictures in which nothing is written.
        named: share of groups in which one word is the name of a thing or colour; none in the
            split `unseen`, whose words are all new.
        replaced: how often a letter is read as another one.
        missed: how often a word is not found.
    """

    seed: int = 0
    groups: int = 900
    val_groups: int = 60
    test_groups: int = 150
    plain: int = 300
    val_plain: int = 60
    test_plain: int = 300
    named: float = 0.3
    replaced: float = 0.06
    missed: float = 0.05


@dataclass(frozen=True, slots=True)
class AmbiguousPicture:
    """A picture, what is said of it, and what a reader made of it.

    Attributes:
        group: the same for siblings; a picture without words is alone in its group.
        captions: five.
        written: cell of a carrier -> the word on its plate; what stands there in truth.
        read: what the reader found, in no order.
    """

    id: str
    group: str
    board: Board
    written: Mapping[int, str] = field(hash=False)
    captions: tuple[str, ...]
    read: tuple[WordRegion, ...] = field(hash=False)

    def load(self) -> RGBImage:
        """(96, 96, 3)."""
        return draw_board(self.board, self.written)

    @property
    def words(self) -> tuple[WordRegion, ...]:
        """What stands in the picture, without a mistake."""
        return true_words(self.board, self.written)

    def captioned(self) -> CaptionedPicture:
        """What a method learns from: with what was read, and the words that captions may say."""
        gold = tuple(self.written.values())
        return CaptionedPicture(self.id, self.captions, self.read, self.load, self.group, gold)


@dataclass(frozen=True, slots=True)
class SynthAmbiguity:
    """The pictures for training; those of the other splits are made when they are asked for."""

    settings: AmbiguitySettings
    train: tuple[AmbiguousPicture, ...]

    def shown(self, split: Split) -> tuple[AmbiguousPicture, ...]:
        """The pictures of a split, siblings one after the other."""
        return self.train if split == "train" else _pictures(self.settings, split)

    def task(self, split: Split = "seen") -> RetrievalTask:
        """Captions that look for their picture among those of a split; five for each."""
        return task_of(self.shown(split), split)


def task_of(pictures: Sequence[AmbiguousPicture], group: str) -> RetrievalTask:
    """Captions that look for their picture among these; query `<picture>#<caption>`."""
    by_id = {one.id: one for one in pictures}

    def load(picture: str) -> RGBImage:
        if picture not in by_id:
            raise PictureError(f"synth-ambiguity has no picture {picture!r} in this gallery.")
        return by_id[picture].load()

    queries = {f"{one.id}#{n}": text for one in pictures for n, text in enumerate(one.captions)}
    return RetrievalTask(
        name="synth-ambiguity",
        queries=queries,
        gallery=tuple(by_id),
        load=load,
        qrels={key: frozenset([key.partition("#")[0]]) for key in queries},
        groups=dict.fromkeys(queries, group),
    )


def build_ambiguity(settings: AmbiguitySettings) -> SynthAmbiguity:
    """The benchmark of these settings; the same object for the same ones.

    Raises:
        UsageError: a number is not possible.
    """
    return _build(settings)


@lru_cache(maxsize=8)
def _build(settings: AmbiguitySettings) -> SynthAmbiguity:
    counts = (settings.groups, settings.val_groups, settings.test_groups)
    plain = (settings.plain, settings.val_plain, settings.test_plain)
    shares = (settings.named, settings.replaced, settings.missed)
    if settings.seed < 0 or min(counts) < 1 or min(plain) < 0:
        raise UsageError(
            "synth-ambiguity needs a seed of 0 or more, at least 1 group for training, validation "
            f"and test, and 0 or more pictures without words; these settings are {settings}."
        )
    if not all(0 <= share <= 1 for share in shares):
        raise UsageError(
            "synth-ambiguity takes shares from 0 to 1 for named, replaced and missed, not "
            f"{', '.join(map(str, shares))}."
        )
    return SynthAmbiguity(settings, _pictures(settings, "train"))


@lru_cache(maxsize=32)
def _pictures(settings: AmbiguitySettings, split: Split) -> tuple[AmbiguousPicture, ...]:
    groups, plain = {
        "train": (settings.groups, settings.plain),
        "val": (settings.val_groups, settings.val_plain),
        "seen": (settings.test_groups, 0),
        "unseen": (settings.test_groups, 0),
        "text-free": (0, settings.test_plain),
    }[split]
    found = [one for number in range(groups) for one in _group(settings, split, number)]
    return (*found, *(_plain(settings, split, number) for number in range(plain)))


def _group(settings: AmbiguitySettings, split: Split, number: int) -> list[AmbiguousPicture]:
    """Four siblings."""
    rng = np.random.default_rng([settings.seed, 40, _STREAMS[split], number])
    known = made_up_words()[split == "unseen"]
    loose = int(rng.integers(1, 5))
    picked = [known[int(at)] for at in rng.permutation(len(known))[: 4 + loose]]
    if split != "unseen" and rng.random() < settings.named:
        names = (*CARRIERS, *ICONS, *HUES)
        picked[int(rng.integers(4))] = names[int(rng.integers(len(names)))]
    slots = map(int, rng.permutation(SLOTS))
    board = random_board(rng, dict(zip(slots, picked[4:], strict=False)))
    bearers = [cell for cell, one in enumerate(board.cells) if one.bears]
    first, second = (bearers[int(at)] for at in rng.permutation(len(bearers))[:2])
    a, b, c, d = picked[:4]
    name = f"{split}-{number:04d}"
    return [
        _picture(settings, (f"{name}-{at}", name), board, {first: one, second: other}, rng)
        for at, (one, other) in enumerate(((a, b), (b, a), (c, d), (d, c)))
    ]


def _plain(settings: AmbiguitySettings, split: Split, number: int) -> AmbiguousPicture:
    """A picture without a word."""
    rng = np.random.default_rng([settings.seed, 41, _STREAMS[split], number])
    name = f"{split}-plain-{number:04d}"
    return _picture(settings, (name, name), random_board(rng, {}), {}, rng)


def _picture(
    settings: AmbiguitySettings,
    names: tuple[str, str],
    board: Board,
    written: Mapping[int, str],
    rng: Rng,
) -> AmbiguousPicture:
    captions = tuple(_caption(board, written, rng) for _ in range(CAPTIONS))
    words = misread(true_words(board, written), settings.replaced, "letters", rng)
    kept = misread(words, settings.missed, "missed", rng)
    read = tuple(
        replace(kept[int(at)], line=line, confidence=float(rng.uniform(0.6, 1.0)))
        for line, at in enumerate(rng.permutation(len(kept)))
    )
    return AmbiguousPicture(*names, board, written, captions, read)


def random_board(rng: Rng, loose: Mapping[int, str]) -> Board:
    """Three different carriers and an icon, in any order and colours."""
    kinds = [CARRIERS[int(at)] for at in rng.permutation(len(CARRIERS))[:3]]
    kinds.append(ICONS[int(rng.integers(len(ICONS)))])
    shown = [Shown(kinds[int(at)], HUES[int(rng.integers(len(HUES)))]) for at in rng.permutation(4)]
    return Board((shown[0], shown[1], shown[2], shown[3]), int(rng.integers(_SEEDS)), loose)


def true_words(board: Board, written: Mapping[int, str]) -> tuple[WordRegion, ...]:
    """Every word of a scene where it stands."""
    found = [(plate_quad(board, cell, word), word) for cell, word in written.items()]
    found += [(loose_quad(board, slot), word) for slot, word in board.loose.items()]
    return tuple(WordRegion(box, 1.0, word, line=line) for line, (box, word) in enumerate(found))


# --- captions ----------------------------------------------------------------------------------


def _caption(board: Board, written: Mapping[int, str], rng: Rng) -> str:
    """One of the three forms: both bearers with their words; one, perhaps beside a thing without;
    one beside the other, whose word is not said. Of a picture without words: two things."""
    if not written:
        return describe_two(board, rng)
    cells = list(written)
    if rng.random() < 0.5:
        cells.reverse()
    said, form = _borne(board, written, cells[0], rng), rng.random()
    if form < _BOTH:
        return f"{said} {_pick(JOINS, rng)} {_borne(board, written, cells[1], rng)}"
    if form >= _ONE:
        return f"{said} {_pick(JOINS, rng)} a {board.cells[cells[1]]}"
    if rng.random() < 0.5:
        return said
    others = [str(one) for cell, one in enumerate(board.cells) if cell not in written]
    return f"{said} {_pick(JOINS, rng)} a {_pick(others, rng)}"


def _borne(board: Board, written: Mapping[int, str], cell: int, rng: Rng) -> str:
    return f"a {board.cells[cell]} {_pick(SAYS, rng).format(word=written[cell])}"


def describe_two(board: Board, rng: Rng, cells: Sequence[int] = ()) -> str:
    """`a green bus near a blue moon`: two things of a scene and no word, any two or these."""
    first, second = cells or (int(at) for at in rng.permutation(len(board.cells))[:2])
    return f"a {board.cells[first]} {_pick(JOINS, rng)} a {board.cells[second]}"


def _pick(options: Sequence[str], rng: Rng) -> str:
    return options[int(rng.integers(len(options)))]


# --- words -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def made_up_words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """600 words of four or five letters, and 200 others that only the split `unseen` has."""
    rng = np.random.default_rng(7)
    known = set(plain_words())
    found: list[str] = []
    while len(found) < SEEN_WORDS + UNSEEN_WORDS:
        word = made_up_word(rng)
        if word not in known:
            known.add(word)
            found.append(word)
    return tuple(found[:SEEN_WORDS]), tuple(found[SEEN_WORDS:])


def made_up_word(rng: Rng) -> str:
    """Four or five letters that can be said."""
    letters = ["bdfgklmnprstvz", "aeiou", "bdfgklmnprstvz", "aeiou", "klmnrst"]
    return "".join(_pick(one, rng) for one in letters[: int(rng.integers(4, 6))])


def plain_words() -> list[str]:
    """Every word of captions but those that are written in pictures, sorted."""
    words = {word for text in (*SAYS, *JOINS) for word in text.split() if "{" not in word}
    return sorted(words.union(["a"], CARRIERS, ICONS, HUES))


def vocabulary() -> tuple[str, ...]:
    """What a tokeniser has to know whole: the words of captions and of prompts that name words.
    What is written in pictures is spelled."""
    prompt = ["there", "is", "are", "scene", "text", "texts", "in", "this", "image"]
    prompt += [":", '"', '",', "."]
    return (*plain_words(), *prompt)
