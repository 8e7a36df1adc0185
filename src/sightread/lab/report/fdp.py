"""The figures of FDP: where it sees text, its two kinds of words, words that look alike, and what
queries find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from tokenizers import Tokenizer as Pieces

from sightread.clip.tokens import tokenise
from sightread.heat import warmed
from sightread.lab.evaluate import first_pictures
from sightread.lab.report import drawing
from sightread.lab.report.drawing import Tile
from sightread.lab.report.flat import flattened
from sightread.lab.report.galleries import Shown, evenly, text_gallery
from sightread.lab.report.page import Figure
from sightread.methods.fdp.distractors import HASHES, Lexicon
from sightread.methods.fdp.examples import read_words, word_list
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.queries import FUNCTION, nearest_cluster
from sightread.methods.fdp.recipe import FdpRecipe, open_examples, pieces_of, preprocess_spec
from sightread.methods.fdp.validation import encode_pictures, encode_words, held_out_task
from sightread.preprocess import fit_square, preprocess
from sightread.tasks import RetrievalTask

MAPS, WORDS = 8, 12
_NAMED = 24


def figures(recipe: FdpRecipe, model: FDP, most: int) -> Iterator[Figure]:
    """All of them, one after the other.

    Args:
        most: held-out pictures at most.

    Raises:
        UsageError: the data of the run is not there.
    """
    asked = replace(recipe, validation_queries=max(1, recipe.validation_queries))
    task = first_pictures(held_out_task(asked), most)
    pieces = pieces_of(recipe)
    vectors, there = encode_pictures(model, task, preprocess_spec(recipe))
    yield focus(recipe, model, task, there)
    yield clusters(recipe, model, pieces)
    yield lookalikes(recipe, model, pieces, task, (vectors, there))
    yield text_gallery(_shown(model, pieces, task, vectors, there), what="queries")


# --- where text is -----------------------------------------------------------------------------


def focus(recipe: FdpRecipe, model: FDP, task: RetrievalTask, there: Sequence[str]) -> Figure:
    """The map of the localisation network over some pictures."""
    spec = preprocess_spec(recipe)
    seen, marked, shares = [], [], []
    for at in evenly(len(there), MAPS):
        pixels = task.load(there[at])
        square = fit_square(pixels, spec)
        images = torch.from_numpy(preprocess(pixels, spec)[None])
        heat = model.encode_image(images).text_map.sigmoid()[0].numpy()  # (h, w)
        shares.append(float((heat >= 0.5).mean()))
        seen.append(Tile(square, there[at]))
        marked.append(Tile(np.asarray(warmed(square, enlarged(heat, spec.size_px)))))
    return Figure(
        "localisation",
        "Where it sees text",
        "Held-out pictures as the network gets them, and below each the map of its localisation "
        "network laid over it: yellow where text is possible, red where it is certain. The "
        "pictures are evenly spaced among all, not chosen.",
        drawing.tiles([seen, marked]),
        [f"cells at or above one half: {100 * np.mean(shares):.1f} % of these pictures"],
    )


def enlarged(heat: NDArray[np.float32], size_px: int) -> NDArray[np.float32]:
    """(h, w) in [0, 1] as (size_px, size_px), smoothly."""
    image = Image.fromarray(heat.astype(np.float32))
    found = np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR), np.float32)
    return found.clip(0.0, 1.0)


# --- words -------------------------------------------------------------------------------------


def clusters(recipe: FdpRecipe, model: FDP, pieces: Pieces) -> Figure:
    """Content and function words, as the model tells them apart."""
    title = "Content and function words"
    if not recipe.model.distinction:
        return Figure("clusters", title, "This run was trained without telling words apart.")
    listed = word_list(recipe.words, open_examples(recipe, 0))
    words = list(dict.fromkeys([*recipe.model.anchors, *listed]))
    tokens = tokenise(pieces, words, model.clip.config.text.context_length)
    features = torch.cat([model.clip.encode_text(part) for part in torch.split(tokens, 128)])
    function = (nearest_cluster(features, model.centroids) == FUNCTION).numpy()
    unit = torch.nn.functional.normalize(features, dim=-1).numpy()
    found, how = flattened(unit)
    named = list(dict.fromkeys([0, 1, *evenly(len(words), _NAMED)]))
    return Figure(
        "clusters",
        title,
        f"The {len(words):,} words that were clustered, by {how} of their vectors in the frozen "
        "text tower; the colour is the cluster of k-means that decides about the prompt of a "
        f"query. Named are the two anchors, “{words[0]}” and “{words[1]}”, and some words evenly "
        "spaced among all.",
        drawing.points(
            {"function words": found[function], "content words": found[~function]},
            names=[(float(found[at, 0]), float(found[at, 1]), words[at]) for at in named],
        ),
        [f"function words: {int(function.sum()):,}, content words: {int((~function).sum()):,}"],
    )


def lookalikes(
    recipe: FdpRecipe,
    model: FDP,
    pieces: Pieces,
    task: RetrievalTask,
    encoded: tuple[NDArray[np.float32], Sequence[str]],
) -> Figure:
    """Whether pictures prefer their own word to words that are spelled nearly like it."""
    vectors, there = encoded
    place = {picture: at for at, picture in enumerate(there)}
    lexicon = _lexicon(recipe)
    known: dict[str, tuple[list[str], NDArray[np.float32]]] = {}
    for query, text in task.queries.items():
        rows = [place[one] for one in sorted(task.qrels[query]) if one in place]
        if rows and text.isalpha():
            strings = [one for one in lexicon.candidates(text).strings if one != HASHES]
            known[text] = strings, encode_words(model, pieces, strings) @ vectors[rows].T
    several = {text: found for text, found in known.items() if len(found[0]) > 1}
    title = "Words that look alike"
    if not several:
        return Figure("lookalikes", title, "No query has a neighbour in the lexicon of this run.")
    won = [float(v) for _, cosines in several.values() for v in cosines[0] > cosines[1:].max(0)]
    shown = [list(several)[at] for at in evenly(len(several), WORDS)]
    across = max(len(several[text][0]) for text in shown)
    values, texts = np.full((len(shown), across), np.nan), []
    for row, text in enumerate(shown):
        strings, cosines = several[text]
        values[row, : len(strings)] = cosines.mean(1)
        texts.append([f"{one} {v:.2f}" for one, v in zip(strings, cosines.mean(1), strict=True)])
    return Figure(
        "lookalikes",
        title,
        "Each row is a word and its neighbours by spelling in the lexicon, the word itself first; "
        "a cell is the mean cosine of that string with the held-out pictures in which the word of "
        "the row is written. The words are evenly spaced among all queries that have neighbours.",
        drawing.cells(values, texts, shown, "cosine with the word's pictures"),
        [
            f"pictures that prefer their word to all of its neighbours: {int(sum(won)):,} of "
            f"{len(won):,}, over all {len(several):,} words"
        ],
    )


def _lexicon(recipe: FdpRecipe) -> Lexicon:
    settings = recipe.model
    if recipe.lexicon:
        words: Sequence[str] = read_words(Path(recipe.lexicon))
    else:
        words = open_examples(recipe, 0).lexicon()
    return Lexicon(words, settings.candidates, "hashes")


def _shown(
    model: FDP,
    pieces: Pieces,
    task: RetrievalTask,
    vectors: NDArray[np.float32],
    there: Sequence[str],
) -> Shown:
    asked = [query for query in task.queries if task.qrels[query].intersection(there)]
    return Shown(
        load=lambda at: task.load(there[at]),
        images=vectors,
        texts=encode_words(model, pieces, [task.queries[query] for query in asked]),
        captions=[task.queries[query] for query in asked],
        right=np.array([[one in task.qrels[query] for one in there] for query in asked]),
        labels=there,
    )
