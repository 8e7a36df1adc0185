"""The settings of the word spotter, one changed at a time: what each finds and what there is to do.

    python -m benchmarks.spotter_settings --data DIR --quiet DIR [--only NAME...] [--out FILE]

The pictures of DIR that the package's spotter has not learned from and as many without text from
--quiet as there are photographs, at normal detail. How much there is to do is counted, not timed:
thousands of pixels of strips and of the finder's input, a picture. Settings that were chosen by
such a table were chosen on the pictures that it is of: a point may be luck.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

from benchmarks.tables import say, table
from benchmarks.words.galleries import SEED, real
from benchmarks.words.scores import scores
from sightread.errors import SightreadError
from sightread.library import Library
from sightread.measure.environment import environment
from sightread.measure.gallery import WordGallery
from sightread.measure.runs import records_of
from sightread.readers import READERS, SPOTTER_MODEL, retrying, segmenting, spotter
from sightread.readers.spotter import DETAILS, Sides, SpotterReader
from sightread.search.ingest import IndexOptions
from sightread.spotting import choosing
from sightread.spotting.attention import Attention
from sightread.types import RGBImage

Change = tuple[ModuleType, str, Any]
VARIANTS: dict[str, list[Change]] = {
    "as it is": [],
    "no second try": [(retrying, "_SURE", 0.0)],
    "second try below 0.95": [(retrying, "_SURE", 0.95)],
    "a larger second try": [(retrying, "_SMALLER", -0.14)],
    "joined over 0.5 heights": [(segmenting, "_REACH", 0.5)],
    "nothing joined": [(segmenting, "_REACH", -1.0)],
    "alike from 0.75": [(choosing, "_ALIKE", 0.75)],
    "alike from 0.5": [(choosing, "_ALIKE", 0.5)],
    "thin up to 12 px": [(spotter, "_ATTENTION", Attention(thin_px=12.0))],
    "thin up to 24 px": [(spotter, "_ATTENTION", Attention(thin_px=24.0))],
    "marks from 0.05": [(spotter, "_ATTENTION", Attention(mark=0.05))],
    "tiles of 48 px": [(spotter, "_ATTENTION", Attention(tile_px=48.0))],
    "glance at 576 px": [(spotter, "DETAILS", DETAILS | {"normal": Sides(576, 1280, 224, 1280)})],
    "glance at 704 px": [(spotter, "DETAILS", DETAILS | {"normal": Sides(704, 1280, 224, 1280)})],
    "closely at 1152 px": [(spotter, "DETAILS", DETAILS | {"normal": Sides(640, 1152, 224, 1280)})],
    "largest at 192 px": [(spotter, "DETAILS", DETAILS | {"normal": Sides(640, 1280, 192, 1280)})],
}


class Counting(SpotterReader):
    """Counts the pixels that its networks see."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.strips = self.strip_px = self.finder_px = 0

    def maps(self, picture: RGBImage) -> Any:
        self.finder_px += picture.shape[0] * picture.shape[1]
        return super().maps(picture)

    def read_strips(self, strips: Sequence[RGBImage]) -> Any:
        self.strips += len(strips)
        self.strip_px += sum(strip.shape[0] * strip.shape[1] for strip in strips)
        return super().read_strips(strips)


def measure(gallery: WordGallery, model: str, changes: Sequence[Change]) -> dict[str, Any]:
    """A row: mAP and so on of the photographs and of all, and what a picture costs.

    Raises:
        SightreadError: a picture could not be read.
    """
    with ExitStack() as changed, tempfile.TemporaryDirectory() as folder:
        for module, name, value in changes:
            changed.enter_context(mock.patch.object(module, name, value))
        reader = Counting(model)
        opened: Callable[..., Counting] = lambda **_: reader  # noqa: E731
        changed.enter_context(mock.patch.dict(READERS, {"spotter": opened}))
        path = str(Path(folder) / "library")
        with Library.open(path, write=True, create=True, reader="spotter") as library:
            paths = [image.path for image in gallery.images]
            library.index(paths, IndexOptions(workers=1), None)
            found = scores(gallery, library.engine, records_of(gallery, library), SEED)
    of, every, count = found["parts"]["photographs"], found["parts"]["all"], len(paths)
    return {
        "mAP": of["map"],
        "mAP all": every["map"],
        "precision": of["precision"],
        "invented": found["false_accept"],
        "strips": round(reader.strips / count, 1),
        "strip kpx": round(reader.strip_px / count / 1000, 1),
        "finder kpx": round(reader.finder_px / count / 1000),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="annotated pictures")
    parser.add_argument("--quiet", required=True, help="a folder of pictures without text")
    parser.add_argument("--model", default=str(SPOTTER_MODEL))
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--out", type=Path, help="a file for the result as JSON")
    asked = parser.parse_args()
    rows = []
    try:
        gallery = real(asked.data, asked.quiet, None, held_out=True)
        for name in asked.only:
            say(name)
            rows.append({"setting": name, **measure(gallery, asked.model, VARIANTS[name])})
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
    print(table(list(rows[0]), rows) if rows else "Nothing was measured.")
    if asked.out:
        report = {"rows": rows, "pictures": len(gallery.images), "seed": SEED}
        text = json.dumps(report | asdict(environment()), indent=1)
        asked.out.write_text(text + "\n", "utf-8")
    return 0 if len(rows) == len(asked.only) else 130


if __name__ == "__main__":
    sys.exit(main())
