"""What it costs that written words count: indexing and queries over the plain encoder.

    python -m benchmarks.scene_text_cost --backbone ViT-B-32 --rounds 31

A HOPID with random weights (the time does not depend on them) is exported and served by ONNX
Runtime with one thread, float32. A picture of 640 x 480 px with `--words` words that were read
before is encoded with them and without, in turns; `index_adds` is the median over the rounds of
(time with words / time without) - 1, preprocessing included in both. Of captions, `plain` is the
text tower as other encoders run it, over the whole context; `nothing_written` a caption in which
nothing is taken for scene text, `written` one that quotes a word, whose prompt goes through the
text tower as well, each only as far as it is long. The search itself is one product of vectors in
all cases.

Prints one JSON object, medians in ms of processor time; the exit code is 1 if indexing costs more
than 10 % more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sightread.clip.tokens import tiny_tokenizer
from sightread.encoders.onnx import load_graph
from sightread.lab.export_scene_text import Plain, Shown, export_scene_text
from sightread.lab.graphs import to_onnx
from sightread.measure.environment import environment
from sightread.methods.hopid.config import HopidConfig, HopidRecipe
from sightread.methods.hopid.model import HOPID
from sightread.methods.hopid.recipe import HOPID_METHOD
from sightread.methods.method import Towers
from sightread.modelfolder import SCENE_TEXT_GRAPHS
from sightread.scenetext.serving import Graphs, SceneTextPath
from sightread.scenetext.settings import SceneTextSettings
from sightread.synth.simple import render_words
from sightread.tokenizer import Tokenizer, TokenizerSource, TokenLayout

MOST = 0.10
_VOCABULARY = ("coffee", "shop", "hilton", "hotel", "taxi", "open", "late", "sale", "exit", "no")
_PLAIN, _WRITTEN = "a red sign beside a tree", 'a red sign that says "hilton"'


def make(backbone: str, width: int, words: int) -> tuple[SceneTextPath, Shown]:
    """The steps of a model of random weights between its graphs, and what it is shown."""
    recipe = HopidRecipe(HopidConfig(backbone=backbone, width=width))
    model = HOPID_METHOD.build(recipe, 0).eval()
    towers = HOPID_METHOD.towers(recipe, model) if HOPID_METHOD.towers else None
    assert isinstance(towers, Towers)
    assert towers.scene_text is not None
    spec = HOPID_METHOD.preprocess(recipe)
    tokenizer = Tokenizer(_pieces(recipe, model))
    pixels = torch.zeros(2, 3, spec.size_px, spec.size_px)
    ids = torch.from_numpy(tokenizer([_PLAIN, _WRITTEN]))
    image = to_onnx(towers.image, pixels, "pixels", ("embeddings", "patches"))
    said = to_onnx(towers.text, ids, "ids", ("embeddings",), {1: 1})
    named = [_VOCABULARY[at % len(_VOCABULARY)] for at in range(words)]
    picture, quads = render_words(named, (640, 480), seed=1)
    shown = Shown(picture, named, quads, (_PLAIN, _WRITTEN))
    plain = Plain((towers.image, image), (towers.text, said))
    made = export_scene_text(towers.scene_text, plain, shown, spec, tokenizer)
    contents = [image, said, *(made.files[name] for name in SCENE_TEXT_GRAPHS)]
    graphs = Graphs(*(load_graph(one, Path("graph"), 1) for one in contents))
    settings = SceneTextSettings(threshold=1.0)  # only what is quoted is scene text
    return SceneTextPath(graphs, settings, model.side, spec, tokenizer), shown


def _pieces(recipe: HopidRecipe, model: HOPID) -> TokenizerSource:
    """The tokeniser of a tiny backbone; for a published one, whose own is a file, letters."""
    if recipe.model.backbone.startswith("tiny"):
        return HOPID_METHOD.tokenizer(recipe, model)
    text = model.clip.config.text
    layout = TokenLayout(text.context_length, text.vocab_size - 2, text.vocab_size - 1, 0)
    return TokenizerSource(tiny_tokenizer().to_str(), layout)


def paired(kinds: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Times in ms of each, all of them in every round, in changing order."""
    names = list(kinds)
    spent: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names if number % 2 else names[::-1]:
            began = time.process_time()
            kinds[name]()
            spent[name].append(1000 * (time.process_time() - began))
    return {name: times[1:] for name, times in spent.items()}  # the first round warms up


def adds(times: list[float], beside: list[float]) -> float:
    """The median of the ratios, less one."""
    return statistics.median(a / b for a, b in zip(times, beside, strict=True)) - 1


def measure(path: SceneTextPath, shown: Shown, rounds: int) -> dict[str, Any]:
    """Of one model."""
    regions = shown.regions()
    found = path.picture(shown.picture, regions)
    assert found.tokens
    assert path.entities(_WRITTEN)
    picture = paired(
        {
            "without": lambda: path.picture(shown.picture, ()),
            "with": lambda: path.picture(shown.picture, regions),
        },
        rounds,
    )

    texts = paired(
        {
            "plain": lambda: path.graphs.text(path.tokenizer([_PLAIN])),
            "nothing_written": lambda: path.caption(_PLAIN),
            "written": lambda: path.caption(_WRITTEN),
        },
        rounds,
    )
    return {
        "tokens": len(found.tokens),
        "index_without_ms": statistics.median(picture["without"]),
        "index_with_ms": statistics.median(picture["with"]),
        "index_adds": adds(picture["with"], picture["without"]),
        **{f"query_{name}_ms": statistics.median(times) for name, times in texts.items()},
        "query_nothing_written_adds": adds(texts["nothing_written"], texts["plain"]),
        "query_written_adds": adds(texts["written"], texts["plain"]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="ViT-B-32", help="tiny-carriers, ViT-B-32, ...")
    parser.add_argument("--width", type=int, default=512, help="of what learns")
    parser.add_argument("--words", type=int, default=8, help="read in the picture")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    path, shown = make(asked.backbone, asked.width, asked.words)
    result = {
        "backbone": asked.backbone,
        "width": asked.width,
        "rounds": asked.rounds,
        **measure(path, shown, asked.rounds),
        "environment": asdict(environment()),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")
    return int(result["index_adds"] > MOST)


if __name__ == "__main__":
    sys.exit(main())
