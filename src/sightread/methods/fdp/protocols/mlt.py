"""MLT 2019, the training set: pictures with words of ten scripts.

`MLT/train_images/*` and `MLT/train_gts/<stem>.txt` with lines
`x1,y1,x2,y2,x3,y3,x4,y4,script,transcription`; `###` is illegible.
"""

from __future__ import annotations

import os
from pathlib import Path

from sightread.methods.fdp.protocols.annotated import (
    AnnotatedSet,
    Words,
    read_annotated,
    read_polygon_lines,
)
from sightread.methods.fdp.protocols.words import word_task
from sightread.methods.files import find_home
from sightread.tasks import RetrievalTask

LAYOUT = "MLT/train_images/*.jpg and MLT/train_gts/<the same name>.txt"


def mlt(root: str | os.PathLike[str]) -> AnnotatedSet:
    """The training set (papers/FDP section 2.1; Q5, Q18).

    Raises:
        UsageError: the data set is not there, or a line of it is broken.
    """
    home = find_home(root, "MLT", ["train_gts"], LAYOUT)
    images, truths = home / "train_images", home / "train_gts"
    return read_annotated("mlt", images, truths, "", read_truth, LAYOUT)


def mlt_val(root: str | os.PathLike[str]) -> RetrievalTask:
    """Words to look for in the 5 % of the pictures that are held out (Q7, seed 0), to choose a
    checkpoint by. Queries by the rule of TotalText; no paper reports it.

    Raises:
        UsageError: as `mlt`, or no word occurs often enough.
    """
    _, held = mlt(root).split()
    return annotated_task("mlt-val", held)


def annotated_task(name: str, pictures: AnnotatedSet) -> RetrievalTask:
    """The words of annotated pictures as a retrieval task, by the rule of TotalText.

    Raises:
        UsageError: no word occurs often enough.
    """
    by_id = {picture.id: picture for picture in pictures.pictures}
    words = {key: [one.text for one in picture.texts] for key, picture in by_id.items()}
    return word_task(name, words, lambda key: by_id[key].load())


def read_truth(path: Path) -> Words:
    """Text polygons and ignored polygons of one picture.

    Raises:
        UsageError: a line is broken.
    """
    return read_polygon_lines(path, scripts=True)
