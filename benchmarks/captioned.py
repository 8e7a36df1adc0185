"""Captions that speak of text, on real pictures: what is found with what is written, and without.

    python -m benchmarks.captioned --root DIR --ocr DIR [--encoder MODEL]

DIR holds `captions.jsonl` (`image`, `captions`, `subset`, `mentions_text`) and its pictures; the
readings are those of `scripts/read_words.py`. Every caption of one subset looks for its picture
among all pictures of the subset. Four ways are compared: the encoder on pictures alone; with the
words of each picture, where it takes them; the pictures alone and a bonus for words of the caption
that were read in the picture (papers/hopid 9.4); and these words alone. Printed are R@1, R@5 and
R@10 in percent, ties counted half, of captions of pictures whose captions speak of text, of those
among them that name a word that was read in their picture, and of all others.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from benchmarks.tables import say, table
from sightread.encoders import open_encoder
from sightread.errors import SightreadError, UsageError
from sightread.lab.captions import half_tied_ranks, owners
from sightread.lab.encoding import checked, encode_gallery
from sightread.measure.environment import environment
from sightread.methods.files import PictureFolder, read_lines
from sightread.methods.hopid.labels import STOP_WORDS
from sightread.methods.hopid.protocols.captioned import CaptionRecord, captioned_set
from sightread.protocols import DualEncoder, ReadingEncoder
from sightread.scenetext.captions import caption_words
from sightread.scenetext.given import GivenWords
from sightread.scenetext.records import open_records
from sightread.scenetext.tokens import scene_tokens
from sightread.tasks import RetrievalTask
from sightread.text import key

KS = (1, 5, 10)
BONUS, ALIKE, SHORTEST = 0.05, 0.75, 4
"""lambda of 9.4; words below ALIKE, or shorter ones that are not equal, are other words."""
GROUPS = ("speak of text", "name a word that was read", "others")
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Asked:
    """The captions and pictures of a subset, and the words that count of each picture."""

    task: RetrievalTask
    own: NDArray[np.int64]
    words: Sequence[tuple[str, ...]]
    groups: Mapping[str, NDArray[np.bool_]]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the folder with captions.jsonl")
    parser.add_argument("--ocr", type=Path, required=True, help="readings of its pictures")
    parser.add_argument("--encoder", help="a model folder")
    parser.add_argument("--subset", default="flickr8k")
    parser.add_argument("--out", type=Path, help="file for the result as JSON")
    asked = parser.parse_args()
    begun = time.monotonic()
    try:
        report = measure(asked.root, asked.ocr, asked.subset, asked.encoder)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    print(table(("captions", "how", "count", *(f"R@{k}" for k in KS)), report["rows"]))
    print(f"\nread by {', '.join(report['engines'])}: {report['pictures_with_words']} of "
          f"{report['pictures']} pictures have words that count")  # fmt: skip
    if asked.out:
        report |= {"seconds": round(time.monotonic() - begun, 1), **asdict(environment())}
        asked.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def measure(root: Path, ocr: Path, subset: str, encoder: str | None = None) -> dict[str, Any]:
    """Everything that is printed.

    Raises:
        SightreadError: a file is not there or not in its form, or the encoder cannot be used.
    """
    given = GivenWords(open_records(ocr))
    task, speaks = read_folder(root, subset)
    asked = prepared(task, speaks, given)
    rows = [*evaluated("words alone", lexical(asked), asked)]
    named = ""
    if encoder is not None:
        opened = open_encoder(encoder)
        named = f"{opened.spec.name} {opened.spec.revision[:12]}"
        rows = [*with_encoder(opened, asked, given), *rows]
    return {
        "subset": subset,
        "pictures": len(task.gallery),
        "captions": len(task.queries),
        "pictures_with_words": sum(bool(one) for one in asked.words),
        "engines": sorted(given.engines),
        "encoder": named,
        "rows": sorted(rows, key=lambda row: GROUPS.index(row["captions"])),
    }


def read_folder(root: Path, subset: str) -> tuple[RetrievalTask, frozenset[str]]:
    """The task, and the pictures whose captions speak of text.

    Raises:
        UsageError: the list is not there or not in its form, or has no such subset.
    """
    path, records, speaks = root / "captions.jsonl", [], set()
    for number, line in read_lines(path):
        try:
            one = json.loads(line)
            fields = one["image"], tuple(map(str, one["captions"])), one["subset"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}, line {number} is no picture with captions.") from error
        if fields[2] == subset:
            records.append(CaptionRecord(str(fields[0]), fields[1]))
            speaks |= {str(fields[0])} if one.get("mentions_text") else set()
    found = captioned_set(
        f"{path} ({subset})", records, PictureFolder(root, "captions.jsonl"), None
    )
    return found.task(), frozenset(speaks)


def prepared(task: RetrievalTask, speaks: frozenset[str], given: GivenWords) -> Asked:
    """With the words of every picture, and the groups of captions."""
    words = []
    for picture in task.gallery:
        height, width = task.load(picture).shape[:2]
        found = scene_tokens(given.of(picture, width, height), width, height)
        words.append(tuple(key(one.text) for one in found))
    own = owners(task)
    speaking = np.array([task.gallery[at] in speaks for at in own])
    texts = list(task.queries.values())
    named = np.array(
        [bool(set(content(t)) & set(words[at])) for t, at in zip(texts, own, strict=True)]
    )
    kinds = speaking, speaking & named, ~speaking
    return Asked(task, own, words, dict(zip(GROUPS, kinds, strict=True)))


def content(caption: str) -> list[str]:
    """The words of a caption, without stop words."""
    found = (key(one.text) for one in caption_words(caption))
    return [one for one in dict.fromkeys(found) if one and one not in STOP_WORDS]


def lexical(asked: Asked) -> Scores:
    """(T, N): the mean over the words of a caption of how well the best reading fits."""
    captions = [content(text) for text in asked.task.queries.values()]
    known = sorted({word for some in captions for word in some})
    read = sorted({word for some in asked.words for word in some})
    scores = np.zeros((len(captions), len(asked.words)), np.float32)
    if not read:
        return scores
    alike = cdist(known, read, scorer=Levenshtein.normalized_similarity, score_cutoff=ALIKE)
    short = np.array([[min(len(a), len(b)) < SHORTEST or a.isdigit() for b in read] for a in known])
    alike[short & (alike < 1)] = 0
    places = {word: at for at, word in enumerate(read)}
    best = np.zeros((len(known), len(asked.words)), np.float32)
    for at, some in enumerate(asked.words):
        if some:
            best[:, at] = alike[:, [places[word] for word in some]].max(1)
    rows = {word: at for at, word in enumerate(known)}
    for at, said in enumerate(captions):
        if said:
            scores[at] = best[[rows[word] for word in said]].mean(0)
    return scores


def with_encoder(encoder: DualEncoder, asked: Asked, given: GivenWords) -> list[dict[str, Any]]:
    """The rows that need an encoder."""
    texts = list(asked.task.queries.values())
    rows, told = [], checked(encoder.encode_texts(texts), len(texts), encoder)
    ways = {"pictures alone": None}
    if isinstance(encoder, ReadingEncoder):
        ways["with what is written"] = given.of  # type: ignore[assignment]
    for name, words in ways.items():
        say(name)
        scores = told @ encode_gallery(encoder, asked.task, words=words).vectors.T
        rows += evaluated(name, scores, asked)
        if words is None:
            rows += evaluated(f"{name}, words as a bonus", scores + BONUS * lexical(asked), asked)
    return rows


def evaluated(how: str, scores: Scores, asked: Asked) -> list[dict[str, Any]]:
    """A row for each group of captions."""
    right = asked.own[:, None] == np.arange(len(asked.words))
    ranks, _ = half_tied_ranks(scores.astype(np.float32), right)
    return [
        {
            "captions": group,
            "how": how,
            "count": int(which.sum()),
            **{f"R@{k}": _percent(ranks[which] <= k) for k in KS},
        }
        for group, which in asked.groups.items()
    ]


def _percent(hits: NDArray[np.bool_]) -> float | None:
    return round(100 * float(hits.mean()), 2) if len(hits) else None


if __name__ == "__main__":
    sys.exit(main())
