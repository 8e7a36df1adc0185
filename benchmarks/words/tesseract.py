"""Tesseract as a reader, where its program is installed."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Sequence

from PIL import Image

from sightread.errors import SightreadError
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion

PROGRAM = "tesseract"
SPARSE = "11"
"""Page segmentation "sparse text": find as much text as possible in no particular order. The
default takes a picture for a page of a book and finds less on photographs."""
_WORD = "5"  # the level of a row that is a word


class TesseractReader:
    """One process a picture, on one thread, English, as its package comes."""

    def __init__(self) -> None:
        """
        Raises:
            SightreadError: the program is not installed.
        """
        if shutil.which(PROGRAM) is None:
            raise SightreadError("the program tesseract is not installed")
        said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
        self.version = (said.stdout or said.stderr).splitlines()[0].split()[-1]

    @property
    def spec(self) -> ReaderSpec:
        return ReaderSpec("tesseract", f"{self.version}-psm{SPARSE}", 1280)

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """See `Reader.read`."""
        return [self._read_one(image) for image in images]

    def encode_words(self, words: Sequence[str]) -> Vectors | None:  # noqa: ARG002
        """None: this reader only transcribes."""
        return None

    def _read_one(self, image: RGBImage) -> list[WordRegion]:
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PPM")
        command = [PROGRAM, "stdin", "stdout", "--psm", SPARSE, "-l", "eng", "tsv"]
        done = subprocess.run(
            command,
            input=content.getvalue(),
            capture_output=True,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip()[:200]
            raise SightreadError(f"tesseract ended with {done.returncode}: {reason}")
        return words_of(done.stdout.decode("utf-8", "replace"))


def words_of(table: str) -> list[WordRegion]:
    """The words in Tesseract's table of tab-separated values."""
    words: list[WordRegion] = []
    lines: dict[tuple[str, ...], int] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] != _WORD or not (row["text"] or "").strip():
            continue
        line = (row["page_num"], row["block_num"], row["par_num"], row["line_num"])
        left, top = float(row["left"]), float(row["top"])
        right, bottom = left + float(row["width"]), top + float(row["height"])
        words.append(
            WordRegion(
                box=((left, top), (right, top), (right, bottom), (left, bottom)),
                confidence=min(1.0, max(0.0, float(row["conf"]) / 100)),
                text=row["text"].strip(),
                line=lines.setdefault(line, len(lines)),
            )
        )
    return words
