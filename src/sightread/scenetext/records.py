"""Readings of pictures on disk: one JSON object a picture, made by any reader or taken from a data
set (papers/hopid section 3).

    {"image_id": "shop/a.jpg", "w": 640, "h": 480, "engine": "rapidocr 0c1f...",
     "tokens": [{"text": "HILTON", "quad": [[8, 9], [80, 9], [80, 30], [8, 30]],
                 "conf": 0.97, "line": 0}]}

Boxes are in pixels of the upright picture, w wide and h high. A token has `text`, or `vec` (the
vector of a word spotter), or both; `bbox` ([x, y, width, height]) may stand in the place of `quad`;
a missing `conf` is 1, a missing `line` 0. A folder of records holds `<image_id>.json` for each
picture; a file of records is JSONL.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sightread.errors import UsageError
from sightread.types import Point, Quad, WordRegion

_SIDES = 0.02
"""How much the shapes of a picture and of its record may differ: rounding of reduced pictures."""
_FORM = (
    'a token with "text" (or "vec"), "quad" [[x, y] four times] or "bbox" [x, y, width, height], '
    '"conf" 0 to 1 and "line"'
)


@dataclass(frozen=True, slots=True)
class SceneTextRecord:
    """What was read in one picture.

    Attributes:
        engine: who read, exactly enough that a number can be printed with it.
        words: boxes in pixels of a picture of `width` x `height`; (1, 1) for boxes in parts of the
            picture; 0: the size is not known and the boxes are in pixels.
    """

    image_id: str
    engine: str
    words: tuple[WordRegion, ...]
    width: float = 0.0
    height: float = 0.0

    def within(self, width: int, height: int) -> tuple[tuple[WordRegion, ...], int]:
        """The words on a picture of this size in pixels, boxes cut at its edges, and how many were
        left out because they lie outside of it.

        Raises:
            UsageError: the record is of a picture of another shape.
        """
        scale = self._scale(width, height)
        placed = [_placed(word, *scale, width, height) for word in self.words]
        kept = tuple(word for word in placed if word is not None)
        return kept, len(placed) - len(kept)

    def _scale(self, width: int, height: int) -> tuple[float, float]:
        if not self.width:
            return 1.0, 1.0
        scale = width / self.width, height / self.height
        relative = self.width == self.height == 1
        if not relative and abs(math.log(scale[0] / scale[1])) > _SIDES:
            raise UsageError(
                f"{self.image_id} was read at {self.width:g} x {self.height:g} px and is "
                f"{width} x {height} px: read it again, upright."
            )
        return scale


def _placed(
    word: WordRegion, scale_x: float, scale_y: float, width: int, height: int
) -> WordRegion | None:
    corners = [(x * scale_x, y * scale_y) for x, y in word.box]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    if max(xs) <= 0 or min(xs) >= width or max(ys) <= 0 or min(ys) >= height:
        return None
    a, b, c, d = ((min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in corners)
    return replace(word, box=(a, b, c, d))


# --- one record ------------------------------------------------------------------------------


def parse_record(data: Any, where: str) -> SceneTextRecord:
    """A record from plain data.

    Args:
        where: the file (and line) that it is from, for messages.

    Raises:
        UsageError: it is not in the form; the sentence says which token.
    """
    if not isinstance(data, dict) or not isinstance(data.get("tokens"), list):
        raise UsageError(f'{where}: expected an object with "image_id" and "tokens", a list.')
    image, engine = data.get("image_id"), data.get("engine", "not stated")
    if not isinstance(image, str) or not image or not isinstance(engine, str):
        raise UsageError(f'{where}: "image_id" and "engine" must be texts.')
    sides = [data.get(name, 0) for name in ("w", "h")]
    if not all(_is_number(side) and side >= 0 for side in sides) or (0 in sides and any(sides)):
        raise UsageError(f'{where}: "w" and "h" are {sides}; they must be the size in pixels.')
    words = tuple(
        _word(token, f"{where}, token {number}") for number, token in enumerate(data["tokens"], 1)
    )
    return SceneTextRecord(image, engine, words, *map(float, sides))


def plain_record(
    image_id: str, size: tuple[int, int], engine: str, words: Sequence[WordRegion]
) -> dict[str, Any]:
    """The plain data of what a reader found in a picture of `size`, (width, height) in pixels."""
    return {
        "image_id": image_id,
        "w": size[0],
        "h": size[1],
        "engine": engine,
        "tokens": [_plain(word) for word in words],
    }


def _plain(word: WordRegion) -> dict[str, Any]:
    vector = None if word.vector is None else [round(float(x), 5) for x in word.vector]
    return {
        "text": word.text,
        **({} if vector is None else {"vec": vector}),
        "quad": [[round(float(x), 1), round(float(y), 1)] for x, y in word.box],
        "conf": round(float(word.confidence), 4),
        "line": int(word.line),
    }


def _word(token: Any, where: str) -> WordRegion:
    fields: Mapping[str, Any] = token if isinstance(token, dict) else {}
    text, vector, sure = fields.get("text"), fields.get("vec"), fields.get("conf", 1.0)
    line, box = fields.get("line"), _quad(fields)
    numbers = vector is None or (isinstance(vector, list) and bool(vector) and _numbers(vector))
    named = isinstance(text, str) or (text is None and vector is not None)
    sound = _is_number(sure) and 0 <= sure <= 1 and (line is None or type(line) is int)
    if box is None or not (numbers and named and sound):
        raise UsageError(f"{where}: expected {_FORM}, found {json.dumps(token)[:80]}.")
    return WordRegion(
        box,
        float(sure),
        text,
        None if vector is None else np.asarray(vector, np.float32),
        line or 0,
    )


def _quad(fields: Mapping[str, Any]) -> Quad | None:
    quad, box = fields.get("quad"), fields.get("bbox")
    if quad is None and isinstance(box, list) and len(box) == 4 and _numbers(box):
        x, y, width, height = map(float, box)
        return upright(x, y, width, height)
    if not isinstance(quad, list) or len(quad) != 4:
        return None
    if not all(isinstance(one, list) and len(one) == 2 and _numbers(one) for one in quad):
        return None
    a, b, c, d = ((float(x), float(y)) for x, y in quad)
    return a, b, c, d


def upright(x: float, y: float, width: float, height: float) -> Quad:
    """The corners of a box whose sides are those of the picture."""
    corners: tuple[Point, ...] = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    a, b, c, d = corners
    return a, b, c, d


def _numbers(values: Sequence[Any]) -> bool:
    return all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# --- many records ----------------------------------------------------------------------------

FindRecord = Callable[[str], SceneTextRecord | None]
"""The record of a picture by its id; None if there is none. Raises `UsageError` if it is broken."""


def open_records(path: Path) -> FindRecord:
    """The records of a folder, read when they are asked for, or of a JSONL file, read now.

    Raises:
        UsageError: it is not there, or a line of the file is broken.
    """
    if path.is_dir():
        return lambda image: _from_folder(path, image)
    if not path.is_file():
        raise UsageError(
            f"There are no readings at {path}: `python scripts/read_words.py PICTURES {path}` "
            "writes them."
        )
    found: dict[str, SceneTextRecord] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            where = f"{path}, line {number}"
            record = parse_record(_json(line, where), where)
            found[record.image_id] = record
    return found.get


def record_path(image_id: str) -> PurePosixPath | None:
    """Where in a folder the record of a picture is; None for an id that leads out of it."""
    parts = PurePosixPath(image_id).parts
    if not parts or ".." in parts or image_id.startswith("/") or "\\" in image_id:
        return None
    return PurePosixPath(*parts[:-1], f"{parts[-1]}.json")


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Put a plain record into a folder, whole or not at all.

    Raises:
        UsageError: its picture's id leads out of the folder.
        OSError: the folder cannot be written to, or the disk is full.
    """
    place = record_path(record["image_id"])
    if place is None:
        raise UsageError(f"{record['image_id']!r} is no name of a picture in a folder.")
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(record, ensure_ascii=False) + "\n", "utf-8")
    os.replace(fresh, path)


def _from_folder(folder: Path, image_id: str) -> SceneTextRecord | None:
    place = record_path(image_id)
    if place is None or not (folder / place).is_file():
        return None
    path = folder / place
    return parse_record(_json(_text(path), str(path)), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8.") from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON: {error}.") from error
