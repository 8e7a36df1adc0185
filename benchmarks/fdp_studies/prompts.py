"""Which prompt finds more: every query with its own prompt, with that of function words, and with
that of content words.

    python -m benchmarks.fdp_studies.prompts --seeds 0 1 2 --checkpoint RUN RUN RUN

One run for each seed, which also chooses the gallery of `synth-str`. Queries with a colour or a
thing in them are left out. The rows say for the queries of each cluster what each prompt gives; the
model is the same in all of them, so that a prompt which is worse for its own words is a worse
prompt, whatever the words are.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from benchmarks.fdp_studies.models import Opened, as_vectors, open_fdp
from benchmarks.fdp_studies.report import (
    Figure,
    Report,
    arguments,
    mean_and_spread,
    natural,
    positive,
    run,
    say,
)
from sightread.errors import UsageError
from sightread.methods.fdp.queries import CONTENT, FUNCTION
from sightread.metrics import average_precision
from sightread.synth.str_benchmark import StrSettings, synth_str
from sightread.tasks import RetrievalTask
from sightread.types import Vectors

BATCH = 32
WORDS = ("seen", "unseen", "look-alike", "function", "content", "phrase")
NAMES = {FUNCTION: "function", CONTENT: "content"}

Precisions = NDArray[np.float64]


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    found.add_argument("--checkpoint", type=Path, nargs="+", required=True, help="runs of FDP")
    found.add_argument("--queries", type=positive, default=24, help="of each group")
    found.add_argument("--others", type=natural, default=200, help="pictures that nobody asks for")
    return found


def study(asked: Namespace) -> Report:
    """mAP of each cluster's queries with each prompt.

    Raises:
        ModelError: a model cannot be opened.
        UsageError: not as many runs as seeds.
    """
    if len(asked.checkpoint) != len(asked.seeds):
        raise UsageError(
            f"{len(asked.checkpoint)} runs are named for {len(asked.seeds)} seeds: name as many"
        )
    found: dict[tuple[str, str], list[float]] = {}
    models = {}
    for path, seed in zip(asked.checkpoint, asked.seeds, strict=True):
        opened = open_fdp(path)
        models[f"seed {seed}"] = opened.digest
        size_px = opened.preprocess.size_px
        settings = StrSettings(size_px, seed=seed, queries=asked.queries, others=asked.others)
        for key, value in measure(opened, synth_str(settings)).items():
            found.setdefault(key, []).append(value)
        say(f"seed {seed} done")
    rows = [
        {"queries": kind, "prompt": prompt, "mAP": mean, "spread": spread}
        for (kind, prompt), values in found.items()
        for mean, spread in [mean_and_spread(values)]
    ]
    return Report(
        study="prompts",
        columns=("queries", "prompt", "mAP", "spread"),
        rows=rows,
        models=models,
        figure=figure(rows),
    )


def measure(opened: Opened, task: RetrievalTask) -> dict[tuple[str, str], float]:
    """(cluster of the queries, prompt) -> mAP."""
    ids = [query for query in task.queries if task.groups[query] in WORDS]
    tokens = torch.from_numpy(opened.tokenizer([task.queries[query] for query in ids]))
    with torch.no_grad():
        own = opened.model.cluster(tokens)
    gallery = encode_gallery(opened, task)
    found: dict[tuple[str, str], float] = {}
    clusters = own.numpy()
    for prompt in (None, FUNCTION, CONTENT):
        kind = own if prompt is None else torch.full_like(own, prompt)
        precisions = precision_of(encode(opened, tokens, kind) @ gallery.T, ids, task)
        name = "own" if prompt is None else NAMES[prompt]
        for cluster, label in NAMES.items():
            if (clusters == cluster).any():
                found[label, name] = float(precisions[clusters == cluster].mean())
        found["all", name] = float(precisions.mean())
    return found


def encode_gallery(opened: Opened, task: RetrievalTask) -> Vectors:
    """(N, D), in the order of the gallery."""
    rows = []
    for first in range(0, len(task.gallery), BATCH):
        images = [task.load(picture) for picture in task.gallery[first : first + BATCH]]
        rows += [one.vector for one in opened.encode_images(images)]
    return np.stack(rows)


@torch.no_grad()
def encode(opened: Opened, tokens: torch.Tensor, kind: torch.Tensor) -> Vectors:
    """Queries (n, T) with the prompts `kind` (n,) -> (n, D)."""
    return as_vectors(F.normalize(opened.model.encode_text(tokens, kind), dim=-1))


def precision_of(scores: Vectors, ids: Sequence[str], task: RetrievalTask) -> Precisions:
    """Average precision of each query, (n,)."""
    found = []
    for query, row in zip(ids, scores, strict=True):
        relevant = np.array([picture in task.qrels[query] for picture in task.gallery])
        found.append(average_precision(row, relevant))
    return np.array(found)


def figure(rows: Sequence[Mapping[str, object]]) -> Figure:
    """A series for each prompt."""
    bars: dict[str, dict[str, float | None]] = {}
    for row in rows:
        value = row["mAP"]
        assert isinstance(value, float)
        bars.setdefault(f"{row['prompt']} prompt", {})[f"{row['queries']} queries"] = value
    return Figure("Each query with each prompt", "", "mAP", bars=bars)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
