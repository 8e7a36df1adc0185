"""The word spotter, and OCR as a second reading where the spotter's map shows text.

The detector of an OCR engine is what makes it slow: it looks at the whole picture at a size at
which small print is readable. The spotter has looked already: of a picture in which it sees no text
nothing is shown to the detector, and of any other one the areas round what it sees (`areas`), at
the size that the words there ask for, or all of it, small. Both readings are kept, see
`spotting.pairs`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace

from sightread.readers import Detail
from sightread.readers.areas import areas_of
from sightread.readers.detect import scale_for
from sightread.readers.rapidocr import RapidOcrReader, ReaderSettings
from sightread.readers.spotter import SpotterReader
from sightread.spotting.maps import FindSettings
from sightread.spotting.pairs import SECOND_LINE, pair_revision, same_places
from sightread.text import key
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion

# To be raised with every change of the code here or in `areas` that changes what is read.
_PROCEDURE = 3
SEEN = FindSettings(cell=0.2, word=0.25, thinnest_px=2.0)
"""When marks are worth a second look. Lower than for a reading (`FindSettings()`): a word that is
not read a second time is lost, a look in vain costs a few milliseconds."""
_LEAST_PX = 640
"""Nothing is shown smaller than in a picture with this longer side."""
_ONCE = ReaderSettings(retry_below=0.0)
"""Lines that are read with doubt are not read again: that costs a quarter of the second reading,
and the other reader has helped already."""
_SUREST = 1 - 1e-4


class SecondReader:
    """Reads twice. May be called from several threads."""

    def __init__(self, folder: str | os.PathLike[str], *, detail: Detail = "normal") -> None:
        """
        Args:
            folder, detail: of the spotter.

        Raises:
            SightreadError: as `SpotterReader` and `RapidOcrReader`.
        """
        self.spotter = SpotterReader(folder, detail=detail)
        self.ocr = RapidOcrReader(_ONCE)
        first, second = self.spotter.spec, self.ocr.spec
        identity = f"{_PROCEDURE} {second.revision} {SEEN!r} {_LEAST_PX}"
        limits = [limit for limit in (first.side_limit_px, second.side_limit_px) if limit]
        self._spec = ReaderSpec(
            name="spotter+rapidocr",
            revision=pair_revision(
                first.revision, hashlib.sha256(identity.encode()).hexdigest()[:12]
            ),
            side_limit_px=max(limits),
            space=first.space,
            folder=first.folder,
        )

    @property
    def spec(self) -> ReaderSpec:
        return self._spec

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """See `Reader.read`; first the words of the spotter, then those of the second reader."""
        return [self._read_one(image) for image in images]

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """See `SpotterReader.encode_words`."""
        return self.spotter.encode_words(words)

    def _read_one(self, image: RGBImage) -> list[WordRegion]:
        sure, faint = self.spotter.find_by(image, [self.spotter.settings, (SEEN,)])
        first = self.spotter.read_found(image, sure)
        height, width = image.shape[:2]
        most = scale_for(width, height, self.ocr.settings.detector)
        least = min(most, _LEAST_PX / max(width, height))
        areas = areas_of(sure.places, faint.places, (width, height), least, most)
        return both(first, self.ocr.read_areas(image, areas) if areas else [])


def both(first: Sequence[WordRegion], second: Sequence[WordRegion]) -> list[WordRegion]:
    """The words of both, each as sure as it is in the light of the other reading.

    Two readers that err independently and say the same are both wrong with the product of their
    doubts, p = 1 - (1 - a)(1 - b). If they say different things at one place, one of them is wrong:
    the first is right with a (1 - b) / (1 - a b), and no longer looked for by its looks, since what
    it looks like was read. The second one, which is the better reader, is believed as before. What
    only one of them saw stays as it is.
    """
    words = [*first, *(replace(word, line=word.line + SECOND_LINE) for word in second)]
    pairs = same_places([word.box for word in first], [word.box for word in second])
    for one, other in pairs.items():
        at = len(first) + other
        texts = key(words[one].text or ""), key(words[at].text or "")
        if not all(texts):
            continue
        a, b = (min(max(words[n].confidence, 0.0), _SUREST) for n in (one, at))
        if texts[0] == texts[1]:
            words[one], words[at] = (replace(words[n], confidence=_agreed(a, b)) for n in (one, at))
        else:
            words[one] = replace(words[one], confidence=_against(a, b), vector=None)
    return words


def _agreed(a: float, b: float) -> float:
    return 1 - (1 - a) * (1 - b)


def _against(a: float, b: float) -> float:
    return a * (1 - b) / (1 - a * b)
