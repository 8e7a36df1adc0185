"""CTC, COCO-Text Captioned: CTC-1K and CTC-5K (section 2.1).

Either the lists that were released with ViSTA and UMS, `CTC/CTC_1K_list_ocr_release.txt` (and
`CTC_5K_...`): lines of image_id, sent_id, caption and path of the picture between tabs, with their
readings in `CTC/ctc_ocr/`; or the annotations that were released with StacMR, `CTC/CTC_anns.json`
(see `ctc_annotations`). Pictures lie where the lists say, or in `CTC/images/`.

Each of both is ranked in its own pool. CTC-1K is a part of CTC-5K: nothing may be chosen on one and
reported on the other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder, broken, find_home, read_lines
from sightread.methods.hopid.protocols.captioned import (
    CaptionedSet,
    CaptionRecord,
    captioned_set,
)
from sightread.methods.hopid.protocols.ctc_annotations import ANNOTATIONS, annotated
from sightread.scenetext.records import FindRecord, SceneTextRecord, upright
from sightread.types import WordRegion

Part = Literal["ctc-1k", "ctc-5k", "ctc-train"]
LAYOUT = (
    "CTC/CTC_{1K,5K}_list_ocr_release.txt with CTC/ctc_ocr/*.txt, or "
    f"CTC/{ANNOTATIONS}; and the pictures where the lists say, or in CTC/images/"
)
READINGS = "ctc_ocr"
ENGINE = "ctc_ocr, as released with ViSTA (its engine is not named)"
_LISTS: Mapping[Part, str] = {
    "ctc-1k": "CTC_1K_list_ocr_release.txt",
    "ctc-5k": "CTC_5K_list_ocr_release.txt",
    "ctc-train": "CTC_train_list_ocr_release.txt",
}
_LINE = "image_id, sent_id, caption and path of the picture between tabs"
_READING = "eight numbers and a transcription between commas"


def ctc(
    root: str | os.PathLike[str], part: Part, keys: Mapping[str, str] | None = None
) -> CaptionedSet:
    """One part, ranked in its own pool.

    Args:
        keys: for `CTC_anns.json`, see `ctc_annotations.annotated`.

    Raises:
        UsageError: the data set is not there, or not in its form.
    """
    listed = _LISTS[part]
    home = find_home(root, "CTC", [listed, ANNOTATIONS], LAYOUT)
    if (home / listed).is_file() and not keys:
        records = _listed(home / listed)
        folder = PictureFolder(_pictures_of(home, records), LAYOUT)
        find = released_readings(home / READINGS)
    else:
        folder = PictureFolder(_images(home), LAYOUT)
        records, find = annotated(home / ANNOTATIONS, part, keys or {})
        find = released_readings(home / READINGS) or find
    return captioned_set(part, records, folder, find)


def _listed(path: Path) -> list[CaptionRecord]:
    found = []
    for number, line in read_lines(path):
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) not in (4, 5) or not fields[3].strip():
            raise broken(path, number, _LINE, repr(line[:60]))
        found.append(CaptionRecord(_relative(fields[3]), (fields[2],)))
    return found


def _relative(path: str) -> str:
    return path.strip().replace("\\", "/").removeprefix("./")


def _pictures_of(home: Path, records: list[CaptionRecord]) -> Path:
    """The folder below which the first picture of the list is."""
    for folder in (home, home / "images", home.parent):
        if folder.is_dir() and records and PictureFolder(folder, LAYOUT).path(records[0].id):
            return folder
    return home


def _images(home: Path) -> Path:
    return home / "images" if (home / "images").is_dir() else home


# --- readings --------------------------------------------------------------------------------


def released_readings(folder: Path) -> FindRecord | None:
    """The readings of `ctc_ocr`, one file a picture, found by the number in both names; None if
    the folder is not there. A picture without a file has no record."""
    if not folder.is_dir():
        return None
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        files.setdefault(number_of(path.name), path)

    def find(image: str) -> SceneTextRecord | None:
        path = files.get(number_of(image))
        return None if path is None else SceneTextRecord(image, ENGINE, _readings(path))

    return find


def number_of(name: str) -> str:
    """What names of a picture and of its readings share: the number at the end of the stem, as in
    COCO_train2014_000000123456.jpg; the stem where there is none."""
    stem = PurePosixPath(name.replace("\\", "/")).name.partition(".")[0].lower()
    found = re.search(r"(\d+)$", stem)
    return found.group(1).lstrip("0") or "0" if found else stem


def _readings(path: Path) -> tuple[WordRegion, ...]:
    """Corners 1 and 3 are the box, as in the released code. A transcription may hold commas."""
    found = []
    for line_number, line in read_lines(path):
        fields = line.strip().split(",", 8)
        try:
            numbers = [float(value) for value in fields[:8]]
        except ValueError as error:
            raise broken(path, line_number, _READING, repr(line[:60])) from error
        if len(fields) != 9:
            raise broken(path, line_number, _READING, repr(line[:60]))
        left, top, right, bottom = (numbers[at] for at in (0, 1, 4, 5))
        box = upright(min(left, right), min(top, bottom), abs(right - left), abs(bottom - top))
        found.append(WordRegion(box, 1.0, fields[8], line=line_number - 1))
    return tuple(found)


def check_part(name: str) -> Part:
    """The part of this name.

    Raises:
        UsageError: there is none.
    """
    for part in _LISTS:
        if part == name:
            return part
    raise UsageError(f"CTC has no part {name!r}; there are: {', '.join(_LISTS)}.")
