"""A reader that works today: the PP-OCR models of the rapidocr wheel, with settings of our own.

Which settings and why: docs/decisions/0001-reader-settings.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sightread.readers.areas import Area
from sightread.readers.detect import (
    Corners,
    DetectorSettings,
    FoundLine,
    detect,
    detect_in,
    grow,
)
from sightread.readers.lines import word_regions
from sightread.readers.nets import ModelFiles, Runtime, load_alphabet, load_net, wheel_models
from sightread.readers.recognise import ReadLine, RecogniserSettings, cut, recognise
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion

# To be raised with every change of the code in this folder that changes what is read.
_PROCEDURE = 1


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """Everything that changes what is read."""

    detector: DetectorSettings = field(default_factory=DetectorSettings)
    recogniser: RecogniserSettings = field(default_factory=RecogniserSettings)
    retry_below: float = 0.9
    """Lines read with less confidence are read again, turned round and cut out differently, and
    the reading with the greatest confidence counts; 0 for never."""
    retry_turned: bool = True
    retry_growth: tuple[float, ...] = (0.15, -0.1)
    side_limit_px: int = 1280
    """Lines are cut out of the picture at this size (longer side), see `ReaderSpec`."""


class RapidOcrReader:
    """Transcribes. Loads its models when it is made, about 0.3 s; `read` is thread-safe."""

    def __init__(
        self,
        settings: ReaderSettings | None = None,
        *,
        runtime: Runtime = "onnxruntime",
        models: ModelFiles | None = None,
    ) -> None:
        """
        Args:
            models: other models of the PP-OCR family; by default those of the rapidocr wheel.

        Raises:
            SightreadError: a model is missing.
            UsageError: the runtime is unknown or not installed.
        """
        self.settings = settings or ReaderSettings()
        models = models or wheel_models()
        self._detector = load_net(models.detector, runtime)
        self._recogniser = load_net(models.recogniser, runtime)
        self._alphabet = load_alphabet(models.recogniser)
        identity = f"{_PROCEDURE} {models.sha256()} {runtime} {self.settings!r}"
        self._spec = ReaderSpec(
            name="rapidocr",
            revision=hashlib.sha256(identity.encode()).hexdigest()[:12],
            side_limit_px=self.settings.side_limit_px,
        )

    @property
    def spec(self) -> ReaderSpec:
        return self._spec

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """See `Reader.read`."""
        return [self._read_one(image) for image in images]

    def read_lines(self, image: RGBImage) -> list[tuple[Corners, ReadLine]]:
        """The lines of a picture from top to bottom, before they are split into words."""
        return self._read_found(image, detect(image, self._detector, self.settings.detector))

    def read_areas(self, image: RGBImage, areas: Sequence[Area]) -> list[WordRegion]:
        """The words in some areas of a picture; the rest is not looked at."""
        found = detect_in(image, areas, self._detector, self.settings.detector)
        return _words(self._read_found(image, found))

    def _read_found(
        self, image: RGBImage, found: list[FoundLine]
    ) -> list[tuple[Corners, ReadLine]]:
        found.sort(key=lambda line: (float(line.corners[:, 1].mean()), line.corners[0, 0]))
        boxes = [line.corners for line in found]
        lines = self._recognise(image, boxes)
        if self.settings.retry_below:
            boxes, lines = self._retry(image, boxes, lines)
        pairs = zip(boxes, lines, strict=True)
        return [(corners, line) for corners, line in pairs if line.text.strip()]

    def _recognise(self, image: RGBImage, boxes: Sequence[Corners]) -> list[ReadLine]:
        crops = [cut(image, corners) for corners in boxes]
        return recognise(crops, self._recogniser, self._alphabet, self.settings.recogniser)

    def _retry(
        self, image: RGBImage, boxes: Sequence[Corners], lines: Sequence[ReadLine]
    ) -> tuple[list[Corners], list[ReadLine]]:
        best = list(zip(boxes, lines, strict=True))
        tries: list[tuple[int, Corners]] = []
        for i, (corners, line) in enumerate(best):
            if line.confidence < self.settings.retry_below:
                tries += [(i, other) for other in self._alternatives(corners)]
        again = self._recognise(image, [corners for _, corners in tries])
        for (i, corners), line in zip(tries, again, strict=True):
            if line.confidence > best[i][1].confidence:
                best[i] = (corners, line)
        return [corners for corners, _ in best], [line for _, line in best]

    def _alternatives(self, corners: Corners) -> list[Corners]:
        grown = [grow(corners, share) for share in self.settings.retry_growth]
        if not self.settings.retry_turned:
            return grown
        return [np.roll(corners, 2, axis=0), *grown]

    def encode_words(self, words: Sequence[str]) -> Vectors | None:  # noqa: ARG002
        """None: this reader only transcribes."""
        return None

    def _read_one(self, image: RGBImage) -> list[WordRegion]:
        return _words(self.read_lines(image))


def _words(lines: Sequence[tuple[Corners, ReadLine]]) -> list[WordRegion]:
    regions: list[WordRegion] = []
    for number, (corners, line) in enumerate(lines):
        regions.extend(word_regions(line, corners, number))
    return regions
