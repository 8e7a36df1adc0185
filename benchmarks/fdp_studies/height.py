"""How small may text be: mAP by the height of the words, at several input sizes.

    python -m benchmarks.fdp_studies.height --checkpoint RUN

One gallery per height: pictures with one word each, all words equally long, so that height alone
differs. Pictures are rendered once, at the largest input size, and every input size sees the same
ones. Heights are counted in a picture of 160 px; "in input" is what the network gets. For another
size than that of training the learned position table is resized, and nothing is trained again.
"""

from __future__ import annotations

import math
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.fdp_studies.galleries import Picture, draw_words, word_task
from benchmarks.fdp_studies.models import choose_model, open_fdp
from benchmarks.fdp_studies.report import (
    Figure,
    Report,
    arguments,
    mean_and_spread,
    natural,
    number,
    positive,
    run,
    say,
)
from sightread.errors import UsageError
from sightread.lab.evaluate import evaluate
from sightread.synth.plans import VARIED
from sightread.synth.scene import SceneRenderer
from sightread.synth.vocabulary import seen_words
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

REFERENCE_PX = 160
HEIGHTS = (6.0, 8.0, 11.0, 16.0, 23.0, 32.0, 45.0, 64.0)
SIZES = (96, 128, 160, 224)


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    choose_model(found, folder=False)
    found.add_argument(
        "--sizes", type=positive, nargs="+", default=list(SIZES), help="of the input, px"
    )
    found.add_argument("--heights", type=float, nargs="+", default=list(HEIGHTS))
    found.add_argument("--letters", type=positive, default=3, help="of each word")
    found.add_argument("--queries", type=positive, default=24)
    found.add_argument("--positives", type=positive, default=4)
    found.add_argument("--others", type=natural, default=100, help="pictures with other words")
    return found


def study(asked: Namespace) -> Report:
    """mAP of every input size at every height.

    Raises:
        ModelError, UsageError: the model or a number cannot be used.
    """
    if min(asked.heights) <= 0 or max(asked.heights) >= REFERENCE_PX:
        raise UsageError(f"heights are above 0 and below {REFERENCE_PX}, not {asked.heights}")
    heights = sorted(set(asked.heights))
    opened = open_fdp(asked.checkpoint)
    sized = {size: opened.at(size) for size in asked.sizes}
    found: dict[tuple[int, float], list[float]] = {}
    for seed in asked.seeds:
        for height in heights:
            task = gallery(asked, height, seed)
            for size, encoder in sized.items():
                quality = evaluate(encoder, task).map
                found.setdefault((size, height), []).append(quality)
            say(f"seed {seed}, height {height:g}: {found[asked.sizes[0], height][-1]:.3f}")
    rows = [row(size, height, found[size, height]) for size in sized for height in heights]
    halves = {
        str(size): half_height(heights, [float(np.mean(found[size, h])) for h in heights])
        for size in sized
    }
    return Report(
        study="height",
        columns=("input px", "height", "in input", "mAP", "spread"),
        rows=rows,
        models={"fdp": opened.digest},
        figure=figure(rows, asked.sizes),
        found={"half of the best mAP at height": halves},
    )


def gallery(asked: Namespace, height: float, seed: int) -> RetrievalTask:
    """The same words at every height, each picture rendered once."""
    size_px = max(asked.sizes)
    rng = np.random.default_rng([seed, 7])
    pool = [word for word in seen_words() if len(word) == asked.letters]
    words = draw_words(pool, asked.queries, rng)
    rest = [word for word in pool if word not in words]
    shown = words * asked.positives
    if asked.others and not rest:
        raise UsageError(f"no word of {asked.letters} letters is left over: ask fewer --queries")
    shown += [rest[int(rng.integers(len(rest)))] for _ in range(asked.others)]
    scale = size_px / REFERENCE_PX
    pictures = [
        Picture(word, height * scale, (seed << 20) + place) for place, word in enumerate(shown)
    ]
    known: dict[Picture, RGBImage] = {}
    return word_task("height", words, pictures, SceneRenderer(VARIED), size_px, known)


def row(size: int, height: float, values: Sequence[float]) -> dict[str, Any]:
    """One line of the table."""
    mean, spread = mean_and_spread(values)
    inside = round(height * size / REFERENCE_PX, 1)
    return {"input px": size, "height": height, "in input": inside, "mAP": mean, "spread": spread}


def half_height(heights: Sequence[float], maps: Sequence[float]) -> float | None:
    """Where mAP rises through half of its maximum, on a logarithmic scale of height; the last such
    place before the maximum. None: even the smallest words reach it.

    Args:
        heights: ascending.
        maps: as many.
    """
    best = int(np.argmax(maps))
    half = maps[best] / 2
    below = [at for at in range(best) if maps[at] < half]
    if not below:
        return None
    low = below[-1]
    share = (half - maps[low]) / (maps[low + 1] - maps[low])
    ends = math.log(heights[low]), math.log(heights[low + 1])
    return number(math.exp(ends[0] + share * (ends[1] - ends[0])))


def figure(rows: Sequence[dict[str, Any]], sizes: Sequence[int]) -> Figure:
    """mAP over height, a line per input size."""
    lines = {
        f"input of {size} px": (
            [one["height"] for one in rows if one["input px"] == size],
            [one["mAP"] for one in rows if one["input px"] == size],
            [one["spread"] for one in rows if one["input px"] == size],
        )
        for size in sizes
    }
    across = f"height of capitals in a picture of {REFERENCE_PX} px"
    return Figure("Smallest readable text", across, "mAP", lines=lines, log=True)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
