"""A reader that works today: the PP-OCR models of the rapidocr wheel, with settings of our own.

Which settings and why: docs/decisions/0001-reader-settings.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from sightread.readers.detect import Corners, DetectorSettings, detect
from sightread.readers.lines import word_regions
from sightread.readers.nets import ModelFiles, Runtime, load_alphabet, load_net, wheel_models
from sightread.readers.recognise import ReadLine, RecogniserSettings, cut, recognise
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """Everything that changes what is read."""

    detector: DetectorSettings = field(default_factory=DetectorSettings)
    recogniser: RecogniserSettings = field(default_factory=RecogniserSettings)
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
        identity = f"{models.sha256()} {runtime} {self.settings!r}"
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
        found = detect(image, self._detector, self.settings.detector)
        found.sort(key=lambda line: (float(line.corners[:, 1].mean()), line.corners[0, 0]))
        crops = [cut(image, line.corners) for line in found]
        lines = recognise(crops, self._recogniser, self._alphabet, self.settings.recogniser)
        pairs = [(line.corners, read) for line, read in zip(found, lines, strict=True)]
        return [(corners, read) for corners, read in pairs if read.text.strip()]

    def encode_words(self, words: Sequence[str]) -> Vectors | None:
        """None: this reader only transcribes."""
        return None

    def _read_one(self, image: RGBImage) -> list[WordRegion]:
        regions: list[WordRegion] = []
        for number, (corners, line) in enumerate(self.read_lines(image)):
            regions.extend(word_regions(line, corners, number))
        return regions
