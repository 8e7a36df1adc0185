"""The readers that are compared, by name; each computes with one thread."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from importlib.metadata import version
from typing import Any, cast

from benchmarks.reader_variants import DefaultRapidOcr
from benchmarks.words.tesseract import SPARSE, TesseractReader
from sightread.errors import UsageError
from sightread.protocols import Reader
from sightread.readers import Detail, open_reader
from sightread.readers.lines import word_regions
from sightread.readers.second import SEEN, SecondReader
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion

SPOTTERS = ("spotter-low", "spotter-normal", "spotter-high")
SECOND = "spotter+rapidocr"
SYSTEMS = (*SPOTTERS, "rapidocr", "rapidocr-defaults", "tesseract", SECOND)


class RapidOcrDefaults:
    """The rapidocr package at its own defaults, on one thread; its lines cut at their spaces."""

    def __init__(self) -> None:
        self._engine = DefaultRapidOcr()
        self._spec = ReaderSpec("rapidocr-defaults", version("rapidocr"))

    @property
    def spec(self) -> ReaderSpec:
        return self._spec

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """See `Reader.read`."""
        return [
            [
                word
                for number, (corners, line) in enumerate(self._engine.read_lines(image))
                for word in word_regions(line, corners, number)
            ]
            for image in images
        ]

    def encode_words(self, words: Sequence[str]) -> Vectors | None:  # noqa: ARG002
        """None: this reader only transcribes."""
        return None


def open_system(name: str, model: str | None) -> Reader:
    """The reader of this name.

    Args:
        model: the folder of the spotter's model.

    Raises:
        UsageError: there is no such system, or its model was not named.
        SightreadError: it is not installed, or its model is missing or damaged.
    """
    if name == "tesseract":
        return TesseractReader()
    if name == "rapidocr-defaults":
        return RapidOcrDefaults()
    if name == "rapidocr":
        return open_reader(name)
    if name not in SYSTEMS:
        raise UsageError(f"There is no system {name!r}: choose among {', '.join(SYSTEMS)}.")
    if model is None:
        raise UsageError(f"{name} needs a model: name its folder with --model.")
    if name == SECOND:
        return open_reader(name, folder=model)
    reader, _, detail = name.partition("-")
    return open_reader(reader, folder=model, detail=cast(Detail, detail))


def settings(reader: Reader) -> dict[str, Any]:
    """All that decides what it reads and costs, as plain values."""
    if isinstance(reader, SecondReader):
        both = {"spotter": settings(reader.spotter), "rapidocr": settings(reader.ocr)}
        return {**asdict(reader.spec), "threads": 1, "seen": asdict(SEEN), **both}
    found: dict[str, Any] = {**asdict(reader.spec), "threads": 1}
    for name in ("settings", "sides"):
        value = getattr(reader, name, None)
        if is_dataclass(value) and not isinstance(value, type):
            found[name] = asdict(value)
    if isinstance(reader, TesseractReader):
        found |= {"page_segmentation": SPARSE, "language": "eng"}
    return found


def cache_name(name: str, reader: Reader) -> str:
    """A file name that changes with whatever changes what is read."""
    digest = hashlib.sha256(repr(reader.spec).encode()).hexdigest()[:12]
    return f"{name}-{digest}.jsonl"
