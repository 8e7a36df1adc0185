"""How well a library finds words: `sightread evaluate words`.

The gallery is indexed into a library as a user would index it, then every word of the queries is
searched. All rankings run over the whole gallery; a picture whose annotation is incomplete never
counts as wrong for a word that is not listed for it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from sightread.errors import UsageError
from sightread.measure.gallery import WordGallery
from sightread.measure.invented import invented_words
from sightread.metrics import average_precision
from sightread.search.calibrate import DEFAULT_THRESHOLD, threshold_for
from sightread.search.engine import Engine
from sightread.text import key, tokens
from sightread.types import PictureRecord, Query, Term

_BINS = 10
INVENTED = 500
HEIGHT_BINS_PX = (0, 10, 14, 20, 30, 50, 10_000)

Columns = NDArray[np.float64]
Shown = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WordScores:
    """Quality of one run.

    `baseline_parted_map` is the baseline on the words that our reader parted; `findable` the share
    of exactly read words that are found at the threshold; `map_by_subset` ranks within each
    subset; `recall_by_height` maps "10-14 px" to (words found at the threshold, words annotated).
    """

    map: float
    baseline_map: float
    baseline_parted_map: float
    map_by_subset: dict[str, float]
    baseline_map_by_subset: dict[str, float]
    precision: float
    recall: float
    false_accept: float
    findable: float
    threshold: float
    queries: int
    images: int
    failed: int
    recall_by_height: dict[str, tuple[int, int]] = field(default_factory=dict)


def word_query(word: str) -> Query:
    """The query for a word or phrase written in the picture."""
    return Query((Term(tuple(word.split()), quoted=True),))


def score_words(
    gallery: WordGallery, engine: Engine, records: Sequence[PictureRecord | None], seed: int
) -> WordScores:
    """Rank the gallery for every query, by the engine and by the plain baseline.

    Args:
        gallery: images and queries.
        engine: searches a library that holds them.
        records: what the library holds for each image of the gallery; None for a failed one.
        seed: for the invented words.
    """
    columns = by_picture(records)
    baseline, baseline_parted = Baseline(records), Baseline(records, parted=True)
    ours: dict[str, Columns] = {}
    plain: dict[str, Columns] = {}
    parted: dict[str, Columns] = {}
    for word in gallery.queries:
        ours[word] = probabilities(engine, word, columns, len(records))
        plain[word] = baseline.scores(word)
        parted[word] = baseline_parted.scores(word)
    shown = {word: column >= threshold_for(column) for word, column in ours.items()}
    complete = np.array([image.complete for image in gallery.images])
    real = [w.text for image in gallery.images for w in image.words] + list(gallery.queries)
    return WordScores(
        map=mean_ap(gallery.queries, ours, complete),
        baseline_map=mean_ap(gallery.queries, plain, complete),
        baseline_parted_map=mean_ap(gallery.queries, parted, complete),
        map_by_subset=_by_subset(gallery, ours, complete),
        baseline_map_by_subset=_by_subset(gallery, plain, complete),
        precision=precision(gallery.queries, shown, complete),
        recall=recall(gallery.queries, shown),
        false_accept=false_accept(engine, real, records, seed),
        findable=_findable(gallery.queries, shown, records),
        threshold=DEFAULT_THRESHOLD,
        queries=len(gallery.queries),
        images=len(gallery.images),
        failed=sum(record is None for record in records),
        recall_by_height=_recall_by_height(gallery, shown),
    )


class Baseline:
    """OCR text, lower-cased, ranked by normalised edit distance: a picture's score is the
    similarity of its most similar word, or for a phrase of its most similar line.

    Words are what stands between spaces in the engine's own text; with `parted`, the words that
    our reader made of them, which is already a part of what is measured.
    """

    def __init__(self, records: Sequence[PictureRecord | None], *, parted: bool = False) -> None:
        self._pictures = len(records)
        self._words: list[tuple[int, str]] = []
        self._lines: list[tuple[int, str]] = []
        for image, record in enumerate(records):
            lines: dict[int, list[str]] = defaultdict(list)
            for region in record.regions if record else ():
                if region.field == "written":
                    space = " " if region.spaced or parted else ""
                    lines[region.line].append(space + region.text.lower())
            for line in lines.values():
                text = "".join(line).strip()
                self._lines.append((image, text))
                self._words += [(image, word) for word in text.split()]

    def scores(self, query: str) -> Columns:
        """(N,) similarity in [0, 1] per image."""
        texts = self._words + self._lines if " " in query else self._words
        similar = process.cdist(
            [query.lower()], [text for _, text in texts], scorer=Levenshtein.normalized_similarity
        )[0]
        scores = np.zeros(self._pictures)
        np.maximum.at(scores, [image for image, _ in texts], similar)
        return scores


def by_picture(records: Sequence[PictureRecord | None]) -> dict[int, list[int]]:
    """Picture -> images of the gallery."""
    # Two images of a gallery may be the same file: one picture of the library, two columns.
    columns: dict[int, list[int]] = defaultdict(list)
    for image, record in enumerate(records):
        if record is not None:
            columns[record.id].append(image)
    return columns


def probabilities(engine: Engine, word: str, columns: dict[int, list[int]], images: int) -> Columns:
    """(N,) probability per image; -1 for what the engine did not find at all."""
    scores = np.full(images, -1.0)
    if key(word):
        ranking = engine.find(word_query(word)).ranking
        for picture, probability in zip(ranking.picture, ranking.probability, strict=True):
            scores[columns.get(int(picture), [])] = probability
    return scores


def _relevant(images: Iterable[int], count: int) -> NDArray[np.bool_]:
    relevant = np.zeros(count, dtype=bool)
    relevant[list(images)] = True
    return relevant


def mean_ap(
    queries: dict[str, frozenset[int]], scores: dict[str, Columns], complete: NDArray[np.bool_]
) -> float:
    """mAP of the queries that have an answer; NaN if none has. `complete` says of which images all
    words are known."""
    found = []
    for word, images in queries.items():
        relevant = _relevant(images, len(complete))
        judged = relevant | complete
        if images:
            found.append(average_precision(scores[word][judged], relevant[judged]))
    return float(np.mean(found)) if found else float("nan")


def _by_subset(
    gallery: WordGallery, scores: dict[str, Columns], complete: NDArray[np.bool_]
) -> dict[str, float]:
    subsets = np.array([image.subset for image in gallery.images])
    result = {}
    for subset in sorted(set(subsets.tolist())):
        here = np.flatnonzero(subsets == subset)
        place = {int(image): i for i, image in enumerate(here)}
        queries = {
            word: frozenset(place[i] for i in images if i in place)
            for word, images in gallery.queries.items()
        }
        within = {word: column[here] for word, column in scores.items()}
        result[subset] = mean_ap({w: q for w, q in queries.items() if q}, within, complete[here])
    return result


def precision(
    queries: dict[str, frozenset[int]], shown: dict[str, Shown], complete: NDArray[np.bool_]
) -> float:
    """The share of right ones among what is shown for all queries; NaN if nothing is."""
    right = wrong = 0
    for word, images in queries.items():
        relevant = _relevant(images, len(complete))
        right += int((shown[word] & relevant).sum())
        wrong += int((shown[word] & ~relevant & complete).sum())
    return right / (right + wrong) if right + wrong else float("nan")


def calibration_error(
    queries: dict[str, frozenset[int]], scores: dict[str, Columns], complete: NDArray[np.bool_]
) -> float:
    """Expected calibration error (Guo et al., ICML 2017) of answers that are probable enough to be
    shown, in ten bins of equal width: the mean distance between how probable they are said to be
    and how many are right. The thousands that are all but impossible, and are said to be, would
    hide it. NaN if nothing is shown."""
    said: list[NDArray[np.float64]] = []
    true: list[NDArray[np.bool_]] = []
    for word, images in queries.items():
        relevant = _relevant(images, len(complete))
        judged = (scores[word] >= DEFAULT_THRESHOLD) & (relevant | complete)
        said.append(scores[word][judged])
        true.append(relevant[judged])
    probability = np.concatenate([np.zeros(0), *said])
    right = np.concatenate([np.zeros(0, bool), *true])
    if not len(right):
        return float("nan")
    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=probability - right, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(right))


def recall(queries: dict[str, frozenset[int]], shown: dict[str, Shown]) -> float:
    """The share of all answers that are shown."""
    found = [shown[word][image] for word in queries for image in queries[word]]
    return float(np.mean(found)) if found else float("nan")


def false_accept(
    engine: Engine, real: Iterable[str], records: Sequence[PictureRecord | None], seed: int
) -> float:
    """The share of invented words that find anything; NaN if there are too few words to invent
    others like them. What was read helps to invent: a small gallery may name few words."""
    read = [region.text for record in records if record for region in record.regions]
    try:
        words = invented_words(real, INVENTED, seed, more=read)
    except UsageError:
        return float("nan")
    accepted = [engine.search(word_query(word), k=1).total > 0 for word in words]
    return float(np.mean(accepted))


def _findable(
    queries: dict[str, frozenset[int]],
    shown: dict[str, Shown],
    records: Sequence[PictureRecord | None],
) -> float:
    """Of the queried words that the reader did read, letter for letter, the share that is found."""
    read = [
        {region.tokens[0] for region in record.regions if region.field == "written"}
        if record
        else set()
        for record in records
    ]
    found = []
    for word, images in queries.items():
        whole = (tokens(word) or ("",))[0]
        found += [shown[word][i] for i in images if whole in read[i]]
    return float(np.mean(found)) if found else float("nan")


def _recall_by_height(gallery: WordGallery, shown: dict[str, Shown]) -> dict[str, tuple[int, int]]:
    by_key = {key(word): word for word in gallery.queries}
    found: dict[int, list[bool]] = defaultdict(list)
    for i, image in enumerate(gallery.images):
        for word in image.words:
            query = by_key.get(key(word.text))
            if query is not None and word.height_px is not None and i in gallery.queries[query]:
                place = int(np.digitize(word.height_px, HEIGHT_BINS_PX))
                found[place].append(bool(shown[query][i]))
    names = {i: f"{a}-{b} px" for i, (a, b) in enumerate(_bins(), 1)}
    return {names[i]: (sum(found[i]), len(found[i])) for i in sorted(found)}


def _bins() -> list[tuple[int, int]]:
    return list(itertools.pairwise(HEIGHT_BINS_PX))
