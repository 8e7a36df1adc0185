"""`CTC_anns.json`, the annotations that were released with StacMR.

One JSON object with a list `images`. Of its items only `coco_url` is known for certain, the other
keys were not at hand when this was written. So they are looked for under the usual names, what
cannot be found is an error that lists the keys that are there, and any key can be named:
`keys = {"captions": "sentences", "split": "subset", "ctc-1k": "test_small"}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sightread.errors import UsageError
from sightread.methods.hopid.protocols.captioned import CaptionRecord, read_json, some_of
from sightread.scenetext.records import FindRecord, SceneTextRecord, parse_record

ANNOTATIONS = "CTC_anns.json"
ENGINE = "COCO-Text annotations (ground truth, not a reading)"

_USUAL: Mapping[str, tuple[str, ...]] = {
    "file": ("file_name", "filename", "coco_url"),
    "id": ("image_id", "id", "coco_id", "cocoid"),
    "split": ("split", "set", "subset"),
    "captions": ("captions", "sentences", "caption"),
    "annotations": ("annotations", "captions"),
    "words": ("scene_text", "ocr", "ocr_tokens", "text_annotations"),
    "text": ("utf8_string", "text", "word", "transcription"),
    "box": ("bbox", "box", "bounding_box"),
}
"""What is looked for -> the keys that may hold it, in this order."""
_PARTS: Mapping[str, tuple[str, ...]] = {
    "ctc-1k": ("dev", "ctc-1k", "ctc_1k", "1k", "test_1k", "test-1k"),
    "ctc-5k": ("test", "ctc-5k", "ctc_5k", "5k", "test_5k", "test-5k"),
    "ctc-train": ("train", "full_val"),
}
"""Part -> the values of `split` that stand for it: StacMR calls CTC-1K "dev", CTC-5K "test"."""

Item = Mapping[str, Any]


def annotated(
    path: Path, part: str, keys: Mapping[str, str]
) -> tuple[list[CaptionRecord], FindRecord | None]:
    """The pictures of a part with their captions, and their annotated words if there are any.

    Args:
        keys: for any name of `_USUAL` the key that holds it, for any part the value of `split`.

    Raises:
        UsageError: a key cannot be found; the sentence says which there are.
    """
    _check_names(keys)
    data = read_json(path)
    items = data.get("images") if isinstance(data, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(one, dict) for one in items):
        raise UsageError(f"{path} must be an object with a list of objects, images.")
    found = _Keys(path, keys)
    items = _of_part(found, items, part)
    apart = _apart(found, data, items)
    pictures = [
        CaptionRecord(_file(found, item), tuple(apart.get(_id(found, item), ())))
        if apart is not None
        else CaptionRecord(_file(found, item), _texts(found.need("captions", item)))
        for item in items
    ]
    return pictures, _words(found, items)


class _Keys:
    """Where values are in the objects of a file."""

    def __init__(self, path: Path, keys: Mapping[str, str]) -> None:
        self.path, self.keys = path, keys

    def get(self, name: str, item: Item) -> Any:
        """The value; None if it is under no usual key."""
        wanted = (self.keys[name],) if name in self.keys else _USUAL[name]
        return next((item[key] for key in wanted if item.get(key) is not None), None)

    def need(self, name: str, item: Item) -> Any:
        """The value.

        Raises:
            UsageError: it is under none of its keys.
        """
        value = self.get(name, item)
        if value is None:
            wanted = self.keys.get(name) or ", ".join(_USUAL[name])
            raise UsageError(
                f"{self.path}: {name} is under none of the keys {wanted}; the keys there are: "
                f"{some_of(sorted(map(str, item)))}. Name it with --key {name}=KEY."
            )
        return value


def _check_names(keys: Mapping[str, str]) -> None:
    known = (*_USUAL, *_PARTS)
    for name in keys:
        if name not in known:
            raise UsageError(f"There is no key {name!r} to name; there are: {', '.join(known)}.")


def _of_part(found: _Keys, items: Sequence[Item], part: str) -> list[Item]:
    wanted = {found.keys[part]} if part in found.keys else set(_PARTS[part])
    splits = [str(found.need("split", item)) for item in items]
    if part == "ctc-5k" and part not in found.keys:
        wanted |= set(_PARTS["ctc-1k"]) if "test" in splits and "dev" in splits else set()
    kept = [item for item, split in zip(items, splits, strict=True) if split.lower() in wanted]
    if not kept:
        raise UsageError(
            f"{found.path}: no picture is of {part}; the values of split are: "
            f"{some_of(sorted(set(splits)))}. Name the right one with --key {part}=VALUE."
        )
    return kept


def _file(found: _Keys, item: Item) -> str:
    """The downloader that comes with the annotations saves a picture under its base name."""
    return PurePosixPath(str(found.need("file", item)).strip()).name


def _id(found: _Keys, item: Item) -> str:
    return str(found.need("id", item))


def _apart(found: _Keys, data: Item, items: Sequence[Item]) -> dict[str, list[str]] | None:
    """Captions that stand beside the list of pictures, by id; None if they are within it."""
    listed = found.get("annotations", data)
    if not isinstance(listed, list) or found.get("captions", items[0]) is not None:
        return None
    captions: dict[str, list[str]] = {}
    for one in listed:
        if not isinstance(one, dict):
            raise UsageError(f"{found.path}: annotations must be a list of objects.")
        captions.setdefault(_id(found, one), []).extend(_texts(found.need("captions", one)))
    return captions


def _texts(value: Any) -> tuple[str, ...]:
    """A caption, a list of captions, or of objects with one."""
    values = value if isinstance(value, list) else [value]
    texts = [
        next((one[key] for key in ("caption", "raw", "sentence") if key in one), None)
        if isinstance(one, dict)
        else one
        for one in values
    ]
    return tuple(text for text in texts if isinstance(text, str))


def _words(found: _Keys, items: Sequence[Item]) -> FindRecord | None:
    there = {
        _file(found, item): words
        for item in items
        if isinstance(words := found.get("words", item), list)
    }
    if not there:
        return None

    def find(image: str) -> SceneTextRecord | None:
        words = there.get(PurePosixPath(image).name)
        return None if words is None else _record(found, image, words)

    return find


def _record(found: _Keys, image: str, words: Sequence[Any]) -> SceneTextRecord:
    tokens = []
    for word in words:
        fields = word if isinstance(word, dict) else {}
        text = found.get("text", fields)
        if text is not None:  # COCO-Text has places that nobody could read
            tokens.append({"text": text, "bbox": found.need("box", fields)})
    where = f"{found.path}, {image}"
    return parse_record({"image_id": image, "engine": ENGINE, "tokens": tokens}, where)
