"""TextCaps: pictures of OpenImages whose captions need what is written in them (section 2.2).

`TextCaps/TextCaps_0.1_{train,val}.json` with one record per caption, five references each;
`TextCaps/TextVQA_Rosetta_OCR_v0.2_{train,val}.json` with its readings, if they are there; the
pictures of both in `TextCaps/train_images/<image_id>.jpg`. The test set has no public captions, so
that `val` (3,166 pictures) is what is reported, and a part of `train` chooses models.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder, find_home
from sightread.methods.hopid.protocols.captioned import (
    CaptionedSet,
    CaptionRecord,
    captioned_set,
    read_json,
    some_of,
)
from sightread.scenetext.records import FindRecord, SceneTextRecord, parse_record

LAYOUT = (
    "TextCaps/TextCaps_0.1_{train,val}.json, TextCaps/TextVQA_Rosetta_OCR_v0.2_{train,val}.json "
    "and TextCaps/train_images/<image_id>.jpg"
)
ENGINE = "Rosetta v0.2, as released with TextVQA"
CAPTIONS = 5
HELD_OUT = 1000
"""Pictures of `train` that choose models; the rest is learned from."""

Part = Literal["train", "held-out", "val"]


def textcaps(root: str | os.PathLike[str], part: Part = "val") -> CaptionedSet:
    """One part: `val`, which is reported, `held-out` of the training pictures, or their rest.

    Raises:
        UsageError: the data set is not there, or not in its form.
    """
    file = "val" if part == "val" else "train"
    name = f"TextCaps_0.1_{file}.json"
    home = find_home(root, "TextCaps", [name], LAYOUT)
    captions = _captions(home / name)
    if part != "val":
        held, wanted = _held_out(sorted(captions)), part == "held-out"
        captions = {one: texts for one, texts in captions.items() if (one in held) == wanted}
    images = next((home / one for one in ("train_images", "images") if (home / one).is_dir()), home)
    records = [
        CaptionRecord(f"{image}.jpg", tuple(texts[:CAPTIONS])) for image, texts in captions.items()
    ]
    readings = _readings(home / f"TextVQA_Rosetta_OCR_v0.2_{file}.json")
    label = "textcaps" if part == "val" else f"textcaps-{part}"
    return captioned_set(label, records, PictureFolder(images, LAYOUT), readings)


def _held_out(images: list[str]) -> frozenset[str]:
    order = np.random.default_rng(0).permutation(len(images))[:HELD_OUT]
    return frozenset(images[at] for at in order)


def _captions(path: Path) -> dict[str, list[str]]:
    """Image id -> its references; the captions of its records where they have none."""
    found: dict[str, list[str]] = {}
    for number, record in enumerate(_data(path), 1):
        image = record.get("image_id")
        if not isinstance(image, str) or not image:
            keys = some_of(sorted(map(str, record)))
            raise UsageError(f"{path}, record {number}: it has no image_id; its keys are: {keys}.")
        references, caption = record.get("reference_strs"), record.get("caption_str")
        if isinstance(references, list) and all(isinstance(one, str) for one in references):
            found.setdefault(image, references)
        elif isinstance(caption, str):
            found.setdefault(image, []).append(caption)
        else:
            keys = some_of(sorted(map(str, record)))
            raise UsageError(
                f"{path}, record {number}: expected reference_strs, a list of texts, or "
                f"caption_str; its keys are: {keys}."
            )
    return found


def _data(path: Path) -> list[Mapping[str, Any]]:
    content = read_json(path)
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise UsageError(f"{path} must be an object with a list of objects, data.")
    return data


# --- readings --------------------------------------------------------------------------------


def _readings(path: Path) -> FindRecord | None:
    """None if the file is not there."""
    if not path.is_file():
        return None
    by_image = {str(one.get("image_id")): one for one in _data(path)}

    def find(image: str) -> SceneTextRecord | None:
        found = by_image.get(image.removesuffix(".jpg"))
        return None if found is None else _record(image, found, f"{path}, {image}")

    return find


def _record(image: str, found: Mapping[str, Any], where: str) -> SceneTextRecord:
    """Boxes are in parts of the picture; a rotation is left aside, as in the released code."""
    infos = found.get("ocr_info")
    if not isinstance(infos, list):
        raise UsageError(f"{where}: expected ocr_info, a list.")
    tokens = [_token(info, f"{where}, word {number}") for number, info in enumerate(infos, 1)]
    plain = {"image_id": image, "w": 1, "h": 1, "engine": ENGINE, "tokens": tokens}
    return parse_record(plain, where)


def _token(info: Any, where: str) -> dict[str, Any]:
    box = info.get("bounding_box") if isinstance(info, dict) else None
    if not isinstance(box, dict):
        raise UsageError(f"{where}: expected word and bounding_box.")
    sides = [box.get(one) for one in ("top_left_x", "top_left_y", "width", "height")]
    return {"text": info.get("word"), "bbox": sides}
