"""ICDAR2015 incidental scene text: 1,000 pictures to train on, 500 to test.

Pictures `img_<n>.jpg` and truth `gt_img_<n>.txt` with lines `x1,y1,..,y4,transcription`, under the
names of the official archives or under short ones.

It is no benchmark of the paper. As a test of retrieval it is asked here by analogy with TotalText
(words of three or more letters and digits with four or more instances); other authors
take, for instance, the 100 most frequent words, so numbers are not comparable with theirs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.fdp.protocols.annotated import (
    AnnotatedSet,
    Words,
    read_annotated,
    read_polygon_lines,
    truth_files,
)
from sightread.methods.fdp.protocols.words import word_task, words_of_gallery
from sightread.methods.files import PictureFolder, find_home
from sightread.tasks import RetrievalTask

TRAIN_LAYOUT = (
    "ICDAR2015/ch4_training_images/img_*.jpg and ICDAR2015/"
    "ch4_training_localization_transcription_gt/gt_img_*.txt (or train_images and train_gts)"
)
TEST_LAYOUT = (
    "ICDAR2015/ch4_test_images/img_*.jpg and ICDAR2015/Challenge4_Test_Task4_GT/gt_img_*.txt "
    "(or Challenge4_Test_Task1_GT; or test_images and test_gts)"
)
_TRAIN_IMAGES = ("ch4_training_images", "train_images")
_TRAIN_TRUTHS = ("ch4_training_localization_transcription_gt", "train_gts")
_TEST_IMAGES = ("ch4_test_images", "test_images")
_TEST_TRUTHS = ("Challenge4_Test_Task4_GT", "Challenge4_Test_Task1_GT", "test_gts")


def icdar2015_train(root: str | os.PathLike[str]) -> AnnotatedSet:
    """The training set.

    Raises:
        UsageError: the data set is not there, or a line of it is broken.
    """
    home = find_home(root, "ICDAR2015", _TRAIN_TRUTHS, TRAIN_LAYOUT)
    images = _first(home, _TRAIN_IMAGES, TRAIN_LAYOUT)
    truths = _first(home, _TRAIN_TRUTHS, TRAIN_LAYOUT)
    return read_annotated("icdar2015", images, truths, "gt_", read_truth, TRAIN_LAYOUT)


def icdar2015(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set as a retrieval task, by analogy with TotalText.

    Raises:
        UsageError: the data set is not there, a line is broken, or no word occurs often enough.
    """
    home = find_home(root, "ICDAR2015", _TEST_TRUTHS, TEST_LAYOUT)
    pictures = PictureFolder(_first(home, _TEST_IMAGES, TEST_LAYOUT), TEST_LAYOUT)
    truths = truth_files(_first(home, _TEST_TRUTHS, TEST_LAYOUT))
    return word_task("icdar2015", words_of_gallery(pictures, truths, "gt_", _texts), pictures.load)


def _texts(path: Path) -> list[str]:
    return [word.text for word in read_truth(path)[0]]


def _first(home: Path, names: Sequence[str], layout: str) -> Path:
    for name in names:
        if (home / name).is_dir():
            return home / name
    raise UsageError(f"{home} has no {' or '.join(names)}; expected: {layout}.")


def read_truth(path: Path) -> Words:
    """Text polygons and ignored polygons of one picture; all text is Latin.

    Raises:
        UsageError: a line is broken.
    """
    return read_polygon_lines(path, scripts=False)
