"""The word spotter, and OCR as a second reading where the spotter's map shows text.

The detector of an OCR engine is what makes it slow: it looks at the whole picture at a size at
which small print is readable. The spotter has looked already: a picture in which it sees no text is
not shown to the detector at all, and any other one only small, for large words, besides the areas
(`areas`) with smaller words at the size that these ask for. Both readings are kept, see
`spotting.pairs`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace

from sightread.readers import Detail
from sightread.readers.areas import Area, areas_of
from sightread.readers.detect import scale_for
from sightread.readers.rapidocr import RapidOcrReader
from sightread.readers.spotter import SpotterReader
from sightread.spotting.maps import FindSettings, Found
from sightread.spotting.pairs import SECOND_LINE, pair_revision, same_places
from sightread.text import key
from sightread.types import ReaderSpec, RGBImage, Vectors, WordRegion

# To be raised with every change of the code here or in `areas` that changes what is read.
_PROCEDURE = 2
SEEN = FindSettings(cell=0.2, word=0.25, thinnest_px=2.0)
"""When marks are worth a second look. Lower than for a reading (`FindSettings()`): a word that is
not read a second time is lost, a look in vain costs a few milliseconds."""
_COARSE_PX = 384
"""Longer side of the picture in which large words are looked for, seen before or not."""
_FINER = 2.0
"""An area is looked at by itself if its words ask for more than this many times that size."""
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
        self.ocr = RapidOcrReader()
        first, second = self.spotter.spec, self.ocr.spec
        identity = f"{_PROCEDURE} {second.revision} {SEEN!r} {_COARSE_PX}"
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
        areas = self._areas(image, sure, faint)
        return both(first, self.ocr.read_areas(image, areas) if areas else [])

    def _areas(self, image: RGBImage, sure: Found, faint: Found) -> list[Area]:
        """Where there is text, the whole picture, small, and the areas in which that is too small;
        or the whole picture at once where that costs less."""
        height, width = image.shape[:2]
        most = scale_for(width, height, self.ocr.settings.detector)
        near = areas_of(sure.places, faint.places, (width, height), most)
        if not near:
            return []
        coarse = Area(0, 0, width, height, min(most, _COARSE_PX / max(width, height)))
        # The small one last: lines that it shows as one are found apart at a larger size.
        looks = [*(area for area in near if area.scale > _FINER * coarse.scale), coarse]
        whole = Area(0, 0, width, height, most)
        return looks if sum(area.cost for area in looks) < whole.cost else [whole]


def both(first: Sequence[WordRegion], second: Sequence[WordRegion]) -> list[WordRegion]:
    """The words of both, each as sure as it is in the light of the other reading.

    Two readers that err independently and say the same are both wrong with the product of their
    doubts, p = 1 - (1 - a)(1 - b). If they say different things at one place, one of them is wrong,
    and a is right with a (1 - b) / (1 - a b). What only one of them saw stays as it is.
    """
    words = [*first, *(replace(word, line=word.line + SECOND_LINE) for word in second)]
    pairs = same_places([word.box for word in first], [word.box for word in second])
    for one, other in pairs.items():
        at = len(first) + other
        texts = key(words[one].text or ""), key(words[at].text or "")
        if not all(texts):
            continue
        a, b = (min(max(words[n].confidence, 0.0), _SUREST) for n in (one, at))
        sure = (_agreed(a, b),) * 2 if texts[0] == texts[1] else (_against(a, b), _against(b, a))
        words[one], words[at] = (
            replace(words[n], confidence=p) for n, p in zip((one, at), sure, strict=True)
        )
    return words


def _agreed(a: float, b: float) -> float:
    return 1 - (1 - a) * (1 - b)


def _against(a: float, b: float) -> float:
    return a * (1 - b) / (1 - a * b)
