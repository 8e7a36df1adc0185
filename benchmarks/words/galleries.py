"""What is measured on: annotated pictures, pictures without text beside them, and `synth-str`."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.tables import say
from sightread.measure.gallery import GalleryImage, WordGallery, load_folder
from sightread.search.walk import walk
from sightread.synth.str_benchmark import GROUPS, Shown, StrSettings, SynthStr, build

SEED = 20261128
PHOTOGRAPHS = ("icdar2003-trial-train", "coco-hand", "grocery-hand", "samples-hand")
"""The subsets of `real-dev` that are photographs; the rest are graphics."""
QUIET = "quiet"
"""The subset of pictures without text."""
HELD_OUT = "only pictures that the package's word spotter has not learned from"
SYNTH = StrSettings(
    size_px=480,
    queries=8,
    positives=4,
    distractors=4,
    others=116,
    heights=(8 / 480, 96 / 480),
    groups=tuple(group for group in GROUPS if group not in ("colour", "object")),
)
"""Pictures of 480 px with text of 8 to 96 px; queries that ask for more than words are left out."""


def real(data: str, quiet: str | None, limit: int | None, held_out: bool = False) -> WordGallery:
    """Annotated pictures, a seeded sample of `limit` if given, and as many from `quiet`."""
    gallery = load_folder(data)
    images = sample(unseen(gallery.images) if held_out else gallery.images, limit)
    if quiet:
        found = [GalleryImage(stamp.path, QUIET) for stamp in walk([quiet])]
        photographs = sum(image.subset in PHOTOGRAPHS for image in images)
        images += sample(found, photographs or len(images))
    places = {image.path: at for at, image in enumerate(images)}
    queries = {
        word: frozenset(places[path] for at in old if (path := gallery.images[at].path) in places)
        for word, old in gallery.queries.items()
    }
    return WordGallery(gallery.name, tuple(images), {w: q for w, q in queries.items() if q})


def unseen(images: Sequence[GalleryImage]) -> list[GalleryImage]:
    """Those that the word spotter of the package has not learned from: of subsets with boxes every
    second one, see scripts/train_half.py."""
    boxed = {image.subset for image in images if any(word.box for word in image.words)}
    seen: Counter[str] = Counter()
    kept = []
    for image in images:
        if image.subset not in boxed or seen[image.subset] % 2:
            kept.append(image)
        seen[image.subset] += 1
    return kept


def sample(images: Sequence[GalleryImage], limit: int | None) -> list[GalleryImage]:
    """All images, or a seeded sample in their order."""
    if limit is None or limit >= len(images):
        return list(images)
    kept = sorted(random.Random(SEED).sample(range(len(images)), limit))
    return [images[at] for at in kept]


def synth(folder: Path, limit: int | None) -> WordGallery:
    """`synth-str`, rendered into the folder unless it is there; with `limit` a small one, with one
    query of each group for about every 60 pictures."""
    settings = SYNTH
    if limit is not None:
        queries = max(1, limit // 60)
        settings = replace(SYNTH, queries=queries, positives=2, distractors=2, others=queries)
    if not (folder / "queries.jsonl").exists():
        write_synth(folder, settings)
    return load_folder(str(folder))


def write_synth(folder: Path, settings: StrSettings) -> None:
    """The pictures with annotations and queries, as `measure.gallery` reads them; the queries
    come last, so that a folder with them is whole."""
    made = build(settings)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "annotations.jsonl").open("w", encoding="utf-8") as file:
        for number, (name, shown) in enumerate(made.shown.items()):
            if number % 50 == 0:
                say(f"rendering synth-str: {number} of {len(made.shown)} pictures")
            pixels = made.task.load(name)
            Image.fromarray(pixels).save(folder / "images" / f"{name}.jpg", quality=92)
            file.write(json.dumps(_annotation(name, shown)) + "\n")
    (folder / "queries.jsonl").write_text("".join(_queries(made)), "utf-8")


def _annotation(name: str, shown: Shown) -> dict[str, object]:
    boxes = []
    for word in shown.words:
        points = np.asarray(word.polygon)
        low, high = points.min(axis=0), points.max(axis=0)
        boxes.append([round(float(value), 1) for value in (*low, *(high - low))])
    texts = [word.text for word in shown.words]
    return {"image": f"images/{name}.jpg", "words": texts, "boxes": boxes, "subset": "synth-str"}


def _queries(made: SynthStr) -> Iterable[str]:
    for name, text in made.task.queries.items():
        pictures = [f"images/{picture}.jpg" for picture in sorted(made.task.qrels[name])]
        yield json.dumps({"query": text, "images": pictures}) + "\n"
