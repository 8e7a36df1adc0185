"""A retrieval task from annotated words: what TotalText and, by analogy, others are asked."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

_KEPT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")

MIN_LETTERS = 3
MIN_INSTANCES = 4


def plain_word(text: str) -> str:
    """`text` in lower case with nothing but a-z and 0-9 ("Joe's!" -> "joes")."""
    return "".join(char for char in text.lower() if char in _KEPT)


def words_of_gallery(
    pictures: PictureFolder, truths: Iterable[Path], prefix: str, read: Callable[[Path], list[str]]
) -> dict[str, list[str]]:
    """Picture -> its transcriptions, for the whole gallery of a test set.

    Args:
        pictures: all of them belong to the gallery, with or without truth.
        truths: files `<prefix><stem of the picture>.<any suffix>`. A picture that has a truth and
            no file is in the gallery as well, and will be reported as missing.
        prefix: lower case.
        read: the transcriptions in a truth file.
    """
    names = pictures.names()
    words: dict[str, list[str]] = {name: [] for name in names}
    by_stem = {os.path.splitext(name)[0]: name for name in reversed(names)}
    for path in truths:
        stem = path.stem.lower().removeprefix(prefix)
        words.setdefault(by_stem.get(stem, f"{stem}.jpg"), []).extend(read(path))
    return words


def word_task(
    name: str,
    words: Mapping[str, Sequence[str]],
    load: Callable[[str], RGBImage],
    *,
    min_instances: int = MIN_INSTANCES,
) -> RetrievalTask:
    """Queries are the words that occur often enough; a picture with the same word is relevant.

    The rule of the papers for TotalText (section 3, Q17): keep a-z and 0-9, lower case, at least
    three characters, at least four annotated instances (not pictures) over the whole set.

    Args:
        name: of the task.
        words: picture id -> its transcriptions; the whole gallery, also pictures without any.
        load: gives the pixels of an id.
        min_instances: how often a word must be annotated.

    Raises:
        UsageError: no word occurs often enough.
    """
    plain = {
        picture: [word for word in map(plain_word, texts) if len(word) >= MIN_LETTERS]
        for picture, texts in words.items()
    }
    counts = Counter(word for found in plain.values() for word in found)
    often = sorted(word for word, count in counts.items() if count >= min_instances)
    if not often:
        raise UsageError(
            f"{name}: none of the {len(counts)} different words is annotated {min_instances} "
            "times, so that nothing can be asked; is the data set complete?"
        )
    return RetrievalTask(
        name=name,
        queries={word: word for word in often},
        gallery=tuple(words),
        load=load,
        qrels={word: frozenset(p for p in plain if word in plain[p]) for word in often},
    )
