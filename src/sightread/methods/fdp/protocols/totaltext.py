"""TotalText: 300 test pictures; the 60 words that are annotated four times or more.

The truth comes in two forms, one file per picture, and both are read:

* `Groundtruth2/Polygon/Test/poly_gt_img*.mat` with pictures in `Dataset/Images/Test`: a cell array
  `polygt` with one row per word; columns 1 and 3 are x and y, 4 the text, 5 the orientation;
* `txt_format/Test/poly_gt_img*.txt` with pictures in `Images/Test`: per word one entry
  `x: [[..]], y: [[..]], ornt: [u'c'], transcriptions: [u'..']`. Numbers may wrap over several
  lines, since they were printed by numpy; texts are literals of Python 2.

Words marked as unreadable ("#") drop out by the rule of `words.word_task`, which also finds the
queries. Should they not be 60, the report of the evaluation says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightread.errors import UsageError
from sightread.methods.fdp.protocols.annotated import TextPolygon
from sightread.methods.fdp.protocols.matlab import load_variable, unwrap_text
from sightread.methods.fdp.protocols.words import word_task, words_of_gallery
from sightread.methods.files import PictureFolder, broken, find_home, read_lines
from sightread.tasks import RetrievalTask

LAYOUT = (
    "TotalText/Groundtruth2/Polygon/Test/poly_gt_img*.mat and TotalText/Dataset/Images/Test/"
    "img*.jpg, or TotalText/txt_format/Test/poly_gt_img*.txt and TotalText/Images/Test/img*.jpg"
)
_TRUTHS = ("Groundtruth2/Polygon/Test", "Groundtruth/Polygon/Test", "txt_format/Test")
_IMAGES = ("Dataset/Images/Test", "Images/Test")
_PREFIX = "poly_gt_"

_ENTRY = re.compile(
    r"x: *\[\[(?P<x>[\d\s.-]*)\]\], *y: *\[\[(?P<y>[\d\s.-]*)\]\], *"
    r"ornt: *\[[^\]]*\], *"
    r"transcriptions: *\[(?P<text>|u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")\]",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<number>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<plain>.))", re.DOTALL
)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_ENTRY_FORM = "x: [[..]], y: [[..]], ornt: [u'..'], transcriptions: [u'..'] with as many x as y"
_MAT_FORM = "a cell array `polygt` with a row of six columns per word, with as many x as y"


def totaltext(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set (papers/FDP sections 2 and 3, Q17).

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    home = find_home(root, "TotalText", _TRUTHS, LAYOUT)
    truths = next(home / folder for folder in _TRUTHS if (home / folder).exists())
    images = next((home / folder for folder in _IMAGES if (home / folder).exists()), None)
    pictures = PictureFolder(images or home / _IMAGES[0], LAYOUT)
    words = words_of_gallery(pictures, _truth_files(truths), _PREFIX, _texts)
    return word_task("totaltext", words, pictures.load)


def _truth_files(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in READERS]
    found = [path for path in found if path.name.lower().startswith(_PREFIX)]
    if not found:
        raise UsageError(f"{folder} holds no annotations; expected: {LAYOUT}.")
    if len({path.suffix.lower() for path in found}) > 1:
        raise UsageError(f"{folder} holds both .mat and .txt annotations; keep one form.")
    return found


def _texts(path: Path) -> list[str]:
    return [word.text for word in READERS[path.suffix.lower()](path)]


def read_mat(path: Path) -> list[TextPolygon]:
    """The words of a picture; the text is "" where it is empty.

    Raises:
        UsageError: the file is not in its form.
    """
    rows = load_variable(path, "polygt", _MAT_FORM)
    if rows.size == 0:
        return []
    if rows.ndim != 2 or rows.shape[1] < 6:
        raise UsageError(f"{path} holds an array of {rows.shape}: expected {_MAT_FORM}.")
    words = []
    for number, row in enumerate(rows, 1):
        try:
            words.append(_word(row[1], row[3], unwrap_text(row[4])))
        except (TypeError, ValueError) as error:
            place = f"{path}, row {number} of polygt"
            raise UsageError(f"{place}: expected {_MAT_FORM}, found {str(row)[:80]}.") from error
    return words


def read_txt(path: Path) -> list[TextPolygon]:
    """The same from the text form.

    Raises:
        UsageError: an entry is not in its form, with the line on which it begins.
    """
    whole, begins = "", []
    for number, line in read_lines(path):
        begins.append((len(whole), number))
        whole += line + "\n"
    words = []
    at = _skip_space(whole, 0)
    while at < len(whole):
        try:
            entry = _ENTRY.match(whole, at)
            if entry is None:
                raise ValueError
            words.append(_word(entry["x"].split(), entry["y"].split(), _literal(entry["text"])))
        except (ValueError, OverflowError) as error:
            line_number = max(number for start, number in begins if start <= at)
            raise broken(path, line_number, _ENTRY_FORM, repr(whole[at : at + 60])) from error
        at = _skip_space(whole, entry.end())
    return words


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word(x: Any, y: Any, text: str | None) -> TextPolygon:
    """Raises TypeError or ValueError for what is no polygon with a text."""
    across, down = (np.asarray(side, np.float64).reshape(-1).tolist() for side in (x, y))
    if text is None:
        raise TypeError
    return TextPolygon(tuple(zip(across, down, strict=True)), text)


def _literal(text: str) -> str:
    r"""What the literal u'caf\xe9' says; Python is not asked to evaluate it."""
    return _ESCAPE.sub(_character, text.removeprefix("u")[1:-1])


def _character(escape: re.Match[str]) -> str:
    number, plain = escape["number"], escape["plain"]
    return chr(int(number[1:], 16)) if number else _CONTROL.get(plain, plain)


READERS: Mapping[str, Callable[[Path], list[TextPolygon]]] = {".mat": read_mat, ".txt": read_txt}
