"""The demo gallery: pictures that Sightread renders itself, with exact truth.

    python -m sightread.synth.gallery FOLDER

writes `images/`, `annotations.jsonl` and `queries.jsonl`. Each picture depends only on the seed
and its own name, so that adding one leaves the others as they were.
"""

from __future__ import annotations

import io
import json
import string
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sightread.errors import UsageError
from sightread.synth import (
    scenes_boards,
    scenes_codes,
    scenes_goods,
    scenes_paper,
    scenes_print,
    scenes_quiet,
    scenes_screen,
    scenes_signs,
    scenes_street,
    tags,
)
from sightread.synth.canvas import Word
from sightread.synth.effects import develop
from sightread.synth.fonts import missing_packages
from sightread.synth.shot import Shot
from sightread.types import Metadata, RGBImage

SHOTS: tuple[Shot, ...] = (
    *scenes_street.SHOTS,
    *scenes_signs.SHOTS,
    *scenes_goods.SHOTS,
    *scenes_paper.SHOTS,
    *scenes_screen.SHOTS,
    *scenes_print.SHOTS,
    *scenes_codes.SHOTS,
    *scenes_boards.SHOTS,
    *scenes_quiet.SHOTS,
)


@dataclass(frozen=True, slots=True)
class DemoQuery:
    """A telling query: what is typed, what to notice, and all pictures that answer it."""

    line: str
    note: str
    finds: tuple[str, ...]


DEMO_QUERIES: tuple[DemoQuery, ...] = (
    DemoQuery('"coffee shop"', "two words that stand next to each other", ("shop-coffee-shop",)),
    DemoQuery(
        '"coffe"~1',
        "a letter is missing, one edit is allowed: COFFIN and TOFFEE stay out",
        ("shop-coffee-shop", "pack-coffee-bag", "receipt-supermarket"),
    ),
    DemoQuery(
        '"RE16*"', "codes by their beginning, hyphens or not", ("label-rack", "label-pallet")
    ),
    DemoQuery(
        '"no parking" -taxi',
        "a phrase, here one word under the other, and a word that must not be there",
        ("sign-no-parking",),
    ),
    DemoQuery(
        '"zurich"',
        "finds Zürich without its dots",
        ("shop-cafe-zurich", "sign-motorway", "ticket-train", "timetable-station", "label-parcel"),
    ),
    DemoQuery('"KOB 805"~1', "one edit a word: the plate says K0B 8O5", ("plate-red-car",)),
    DemoQuery(
        "person:fernwood",
        "a person whom the files name; only one of the pictures shows the name",
        ("ticket-boarding", "shop-book-shop", "quiet-sea"),
    ),
    DemoQuery('"quixolanthe"', "an invented word: nothing found is an answer", ()),
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture of the gallery in memory: upright pixels and the words in them."""

    shot: Shot
    pixels: RGBImage
    words: tuple[Word, ...]


def render(shot: Shot, seed: int = 0) -> Rendered:
    """Draw one picture."""
    rng = np.random.default_rng([seed, zlib.crc32(shot.name.encode())])
    canvas = shot.draw(rng)
    return Rendered(shot, develop(canvas.finish(), shot.look, rng), tuple(canvas.words))


def encode(rendered: Rendered) -> bytes:
    """The bytes of the file, with its metadata and turned as its orientation says."""
    shot = rendered.shot
    turns = {1: 0, 3: 2, 6: 1, 8: 3}[shot.orientation]
    image = Image.fromarray(np.ascontiguousarray(np.rot90(rendered.pixels, turns)))
    exif, xmp = tags.exif(shot.metadata, shot.orientation), tags.xmp(shot.metadata)
    file = io.BytesIO()
    if shot.suffix == "jpg":
        extra = tags.iptc(shot.metadata)
        image.save(file, "JPEG", quality=shot.quality, exif=exif, xmp=xmp, extra=extra)
    elif shot.suffix == "png":
        info = PngInfo()
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(file, "PNG", pnginfo=info, exif=exif)
    elif shot.suffix == "webp":
        image.save(file, "WEBP", quality=shot.quality, exif=exif, xmp=xmp)
    elif shot.suffix == "gif":
        image.quantize(128, Image.Quantize.MEDIANCUT).save(file, "GIF")
    elif shot.suffix == "tif":
        image.save(file, "TIFF", compression="tiff_lzw")
    else:
        image.save(file, "BMP")
    return file.getvalue()


def annotate(rendered: Rendered) -> dict[str, Any]:
    """The truth of one picture, as a line of `annotations.jsonl`."""
    shot = rendered.shot
    height, width = rendered.pixels.shape[:2]
    record: dict[str, Any] = {
        "image": f"images/{shot.name}.{shot.suffix}",
        "words": [word.text for word in rendered.words],
        "boxes": [_outer_box(word, width, height) for word in rendered.words],
        "box_format": "xywh",
        "quads": [[[round(v, 1) for v in p] for p in word.quad] for word in rendered.words],
        "source": "sightread gallery",
        "subset": shot.kind,
        "width": width,
        "height": height,
        "complete": True,
        "checked": "rendered",
    }
    described = _described(shot.metadata)
    if described:
        record["metadata"] = described
    return record


def queries_of(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every word of three characters or more with the images that show it, the frequent first."""
    shown: dict[str, list[str]] = {}
    for record in records:
        found = (w.casefold().strip(string.punctuation + "–—…“”‘’„·•") for w in record["words"])
        for word in dict.fromkeys(w for w in found if len(w) >= 3):
            shown.setdefault(word, []).append(record["image"])
    ordered = sorted(shown.items(), key=lambda item: (-len(item[1]), item[0]))
    return [{"query": word, "images": sorted(images)} for word, images in ordered]


def write_gallery(
    folder: str | Path, seed: int = 0, count: int | None = None, *, plain_fonts: bool = False
) -> list[dict[str, Any]]:
    """Render the gallery into a folder and return the records of `annotations.jsonl`.

    Args:
        folder: made if it is not there; files of the same names are replaced.
        seed: another number gives other materials, light and noise, the same words.
        count: that many pictures, spread over all kinds; None: all.
        plain_fonts: use Pillow's own face where font packages are not installed.

    Raises:
        UsageError: the fonts are missing, the count is out of range, or the folder cannot be
            written.
    """
    missing = [] if plain_fonts else missing_packages()
    if missing:
        raise UsageError(
            f"The gallery needs {len(missing)} font package(s) that are not installed "
            f'({", ".join(missing)}): run `pip install "sightread[gallery]"`.'
        )
    shots = _choose(count)
    root = Path(folder)
    try:
        (root / "images").mkdir(parents=True, exist_ok=True)
        records = [_write_one(root, shot, seed) for shot in shots]
        _write_lines(root / "annotations.jsonl", records)
        _write_lines(root / "queries.jsonl", queries_of(records))
    except OSError as error:
        raise UsageError(
            f"The gallery cannot be written to {root}: {error.strerror or error}; "
            "name a folder that you may write to."
        ) from error
    return records


def main(arguments: Sequence[str]) -> int:
    """`python -m sightread.synth.gallery FOLDER`: write everything, say what was written."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m sightread.synth.gallery FOLDER", file=sys.stderr)
        return 2
    try:
        records = write_gallery(arguments[0])
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    words = sum(len(record["words"]) for record in records)
    print(f"{len(records)} pictures with {words} words in {arguments[0]}")
    return 0


def _choose(count: int | None) -> list[Shot]:
    if count is None:
        return list(SHOTS)
    if not 1 <= count <= len(SHOTS):
        raise UsageError(f"The gallery has 1 to {len(SHOTS)} pictures, not {count}.")
    return [SHOTS[i * len(SHOTS) // count] for i in range(count)]


def _write_one(root: Path, shot: Shot, seed: int) -> dict[str, Any]:
    rendered = render(shot, seed)
    record = annotate(rendered)
    (root / record["image"]).write_bytes(encode(rendered))
    return record


def _write_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _outer_box(word: Word, width: int, height: int) -> list[float]:
    xs, ys = [p[0] for p in word.quad], [p[1] for p in word.quad]
    x0, y0 = max(0.0, min(xs)), max(0.0, min(ys))
    x1, y1 = min(float(width), max(xs)), min(float(height), max(ys))
    return [round(x0, 1), round(y0, 1), round(x1 - x0, 1), round(y1 - y0, 1)]


def _described(metadata: Metadata) -> dict[str, Any]:
    fields = {
        "title": metadata.title,
        "caption": metadata.caption,
        "keywords": list(metadata.keywords),
        "persons": list(metadata.persons),
        "taken_at": metadata.taken_at,
        "latitude": metadata.latitude,
        "longitude": metadata.longitude,
    }
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
