"""A library in a folder of its own, pictures of one colour, and a reader that reads colours."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from sightread.protocols import Store
from sightread.search.ingest import IndexOptions, IndexProgress, IndexReport, ingest
from sightread.search.ledger import Ledger
from sightread.store import open_store
from sightread.types import PictureRecord, ReaderSpec, RGBImage, Vectors, WordRegion

Colour = tuple[int, int, int]


def colour_word(colour: Colour) -> str:
    """What `ColourReader` reads in a picture of that colour: "#102030" -> "c102030"."""
    return "c{:02x}{:02x}{:02x}".format(*colour)


def colour(number: int) -> Colour:
    """Different numbers below 16 million give different colours."""
    return (number >> 16) & 255, (number >> 8) & 255, number & 255


class ColourReader:
    """Reads the colour in the middle of a picture as one word, in the left half of the picture.

    `before` is called with that word before every reading, in the worker's thread.
    """

    def __init__(self, revision: str = "r1", before: Callable[[str], object] | None = None) -> None:
        self.spec = ReaderSpec("colour", revision, side_limit_px=32)
        self.words: list[str] = []
        self._before = before
        self._lock = threading.Lock()

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        return [[self._read_one(image)] for image in images]

    def encode_words(self, words: Sequence[str]) -> Vectors | None:
        del words
        return None

    def _read_one(self, image: RGBImage) -> WordRegion:
        height, width = image.shape[:2]
        red, green, blue = (int(value) for value in image[height // 2, width // 2])
        word = colour_word((red, green, blue))
        if self._before is not None:
            self._before(word)
        with self._lock:
            self.words.append(word)
        half = width / 2
        box = ((0.0, 0.0), (half, 0.0), (half, float(height)), (0.0, float(height)))
        return WordRegion(box, 0.9, word)


class Desk:
    """A library and a folder of pictures, and what the tests do with them."""

    def __init__(self, base: Path) -> None:
        self.pictures = base / "pictures"
        self.pictures.mkdir(exist_ok=True)
        library = base / "library"
        self.store: Store = open_store(str(library), write=True, create=True)
        self.ledger = Ledger.open(str(library), write=True)

    def close(self) -> None:
        self.ledger.close()
        self.store.close()

    def paint(self, name: str, number: int, size: tuple[int, int] = (40, 20)) -> Path:
        """Write a picture of the colour with that number."""
        path = self.pictures / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour(number)).save(path, "PNG")
        return path

    def index(
        self,
        reader: ColourReader | None = None,
        options: IndexOptions | None = None,
        progress: Callable[[IndexProgress], None] | None = None,
        folders: Sequence[Path | str] = (),
    ) -> IndexReport:
        paths = [os.fspath(folder) for folder in folders or [self.pictures]]
        reader = reader or ColourReader()
        return ingest(self.store, reader, self.ledger, paths, options, progress)

    def records(self) -> list[PictureRecord]:
        return self.store.get(self.store.ids().tolist())

    def contents(self) -> dict[str, list[str]]:
        """Written word of each picture -> names of its files in the folder."""
        found = {}
        for record in self.records():
            [word] = [region.text for region in record.regions if region.field == "written"]
            names = [os.path.relpath(stamp.path, self.pictures) for stamp in record.stamps]
            found[word] = sorted(names)
        return found

    def failures(self) -> dict[str, str]:
        """Name of each failed file -> reason."""
        return {
            os.path.relpath(failure.path, self.pictures): failure.reason
            for failure in self.ledger.failures()
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()
