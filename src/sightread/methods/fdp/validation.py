"""How good FDP is on pictures that it does not learn from: what chooses a checkpoint (Q7), and what
its cosines mean.

The held-out pictures are those of a data set that training leaves alone, or a small gallery of the
`val` split of `synth-str`. Their mAP is the figure `map`. `calibration_slope` and
`calibration_offset` are the logistic line from cosine to the probability that a picture answers,
fitted to every pair of a query and a picture, and to made-up words that are written nowhere: the
export puts it into the model folder. It holds for galleries in which answers are about as rare as
here; `answers_per_picture` says how rare that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.tokens import tokenise
from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.data import TRAINING_SETS
from sightread.methods.fdp.examples import read_words
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.protocols.annotated import AnnotatedSet
from sightread.methods.logistic import logistic_line
from sightread.metrics import mean_average_precision
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.synth.str_benchmark import StrSettings, synth_str
from sightread.tasks import RetrievalTask

if TYPE_CHECKING:
    from sightread.methods.fdp.recipe import FdpRecipe

BATCH = 16
MOST_QUERIES = 500
_PER_QUERY = 2
_OTHERS = 60


def held_out_task(recipe: FdpRecipe) -> RetrievalTask:
    """The queries and pictures of a validation.

    Raises:
        UsageError: the data set is not there, or no word is written in its held-out pictures.
    """
    if recipe.data == "synth-str":
        return synth_str(
            StrSettings(
                size_px=recipe.model.size_px,
                split="val",
                queries=recipe.validation_queries,
                positives=_PER_QUERY,
                distractors=_PER_QUERY,
                others=_OTHERS,
            )
        )
    _, held = TRAINING_SETS[recipe.data](Path(recipe.root)).split(recipe.held_out)
    lexicon = frozenset(read_words(Path(recipe.lexicon))) if recipe.lexicon else None
    return words_of(held, lexicon)


def words_of(pictures: AnnotatedSet, lexicon: frozenset[str] | None) -> RetrievalTask:
    """The most frequent words of pictures as queries; a picture answers if the word is in it.

    Raises:
        UsageError: no word that may be asked for is in them.
    """
    written = {one.id: frozenset(one.words(lexicon)) for one in pictures.pictures}
    counts = Counter(word for words in written.values() for word in words)
    asked = [word for word, _ in counts.most_common(MOST_QUERIES)]
    if not asked:
        raise UsageError(
            f"the held-out pictures of {pictures.name} have no word to ask for: raise "
            "method.held_out, or set method.validation_queries=0 to train without validation"
        )
    by_id = {one.id: one for one in pictures.pictures}
    return RetrievalTask(
        name=f"{pictures.name}, held out",
        queries={word: word for word in asked},
        gallery=tuple(by_id),
        load=lambda picture: by_id[picture].load(),
        qrels={
            word: frozenset(p for p, words in written.items() if word in words) for word in asked
        },
    )


def figures(
    model: FDP, task: RetrievalTask, pieces: Pieces, spec: PreprocessSpec
) -> dict[str, float]:
    """What the module's page says, of a model in eval mode."""
    vectors, there = encode_pictures(model, task, spec)
    queries = list(task.queries)
    relevant = np.array([[picture in task.qrels[q] for picture in there] for q in queries])
    asked = relevant.any(axis=1)  # the pictures of a query may all be broken
    cosines = encode_words(model, pieces, [task.queries[q] for q in queries]) @ vectors.T
    absent = encode_words(model, pieces, made_up(list(task.queries.values()))) @ vectors.T
    slope, offset = logistic_line(
        np.concatenate([cosines.ravel(), absent.ravel()]),
        np.concatenate([relevant.ravel(), np.zeros(absent.size, bool)]),
    )
    return {
        "map": mean_average_precision(cosines[asked], relevant[asked]),
        "calibration_slope": slope,
        "calibration_offset": offset,
        "answers_per_picture": float(relevant.mean()),
    }


def made_up(words: list[str]) -> list[str]:
    """A string of random letters for each word, as long as it and none of them."""
    rng = np.random.default_rng(0)
    found = []
    for word in words:
        text = "".join(chr(97 + letter) for letter in rng.integers(26, size=max(3, len(word))))
        found += [text] if text not in words else []
    return found


def encode_pictures(
    model: FDP, task: RetrievalTask, spec: PreprocessSpec
) -> tuple[NDArray[np.float32], list[str]]:
    """Unit vectors (N, D), and the ids of the pictures that could be decoded, in that order."""
    rows: list[Tensor] = []
    there: list[str] = []
    for ids, pixels in _batches(task, spec):
        images = torch.from_numpy(pixels).to(model.positions.device)
        rows.append(F.normalize(model.encode_image(images).features, dim=-1).cpu())
        there += ids
    if not there:
        raise UsageError(f"no picture of {task.name} can be decoded: check the data set")
    return torch.cat(rows).numpy(), there


def _batches(
    task: RetrievalTask, spec: PreprocessSpec
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    ids: list[str] = []
    inputs: list[NDArray[np.float32]] = []
    for picture in task.gallery:
        try:
            inputs.append(preprocess(task.load(picture), spec))
        except PictureError:
            continue
        ids.append(picture)
        if len(ids) == BATCH:
            yield ids, np.stack(inputs)
            ids, inputs = [], []
    if ids:
        yield ids, np.stack(inputs)


def encode_words(model: FDP, pieces: Pieces, texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors (n, D)."""
    tokens = tokenise(pieces, texts, model.clip.config.text.context_length)
    rows = [
        F.normalize(model.encode_text(part.to(model.positions.device)), dim=-1).cpu()
        for part in torch.split(tokens, 64)
    ]
    return torch.cat([*rows, torch.empty(0, model.clip.config.embed_dim)]).numpy()
