"""GoodNews: pictures of the New York Times, several of one article (section 3.4).

Either as released, `GoodNews/captioning_dataset.json`
(article -> {"images": {"<k>": caption}, ...}) with `GoodNews/img_splits.json`
(picture -> "train", "val" or "test"); or with the lists that the authors of EntityCLIP packed,
`GoodNews/new_goodnews_capim_{train,val,test}.json` with records of `image_id` and `captioning`.
Pictures are `GoodNews/images/<article>_<k>.jpg` (or `resized/`). If they are there,
`GoodNews/broken_images.txt` names pictures that are left out, and
`GoodNews/train_cap_individual/New_Corr_CapDsc_mistral_{train,val,test}.json` has the explanations;
then pictures without one are left out, as published.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightread.errors import UsageError
from sightread.methods.entityclip.protocols.news import (
    NewsPair,
    NewsReader,
    NewsSet,
    Split,
    beside,
    news_set,
    one_line,
    read_json,
    read_records,
)
from sightread.methods.files import PictureFolder, find_home, read_lines

RELEASED, SPLITS, BROKEN = "captioning_dataset.json", "img_splits.json", "broken_images.txt"
LAYOUT = (
    f"GoodNews/{RELEASED} and GoodNews/{SPLITS}, or "
    "GoodNews/new_goodnews_capim_{train,val,test}.json, and GoodNews/images/<article>_<k>.jpg"
)


def goodnews(root: str | os.PathLike[str], split: Split = "test") -> NewsSet:
    """One split.

    Raises:
        UsageError: the data set is not there, or not in its form.
    """
    packed = f"new_goodnews_capim_{split}.json"
    home = find_home(root, "GoodNews", [packed, RELEASED], LAYOUT)
    if (home / packed).is_file():
        read = read_records(home / packed, "image_id", "captioning")
        records = [NewsPair(_file_name(one.id), one.caption) for _, one in read]
    else:
        records = _released(home, split)
    images = next((home / name for name in ("images", "resized") if (home / name).is_dir()), home)
    known = beside(home / "train_cap_individual" / f"New_Corr_CapDsc_mistral_{split}.json")
    return news_set(
        "goodnews",
        records,
        PictureFolder(images, LAYOUT),
        known,
        skip=_broken(home / BROKEN),
        only_explained=known is not None,
    )


def _released(home: Path, split: Split) -> list[NewsPair]:
    articles, splits = read_json(home / RELEASED), read_json(home / SPLITS)
    for path, data in ((home / RELEASED, articles), (home / SPLITS, splits)):
        if not isinstance(data, dict):
            raise UsageError(f"{path} must be one JSON object.")
    sides = {_file_name(str(name)): side for name, side in splits.items()}
    pairs = []
    for article, record in articles.items():
        for number, caption in _captions(home / RELEASED, article, record).items():
            name = _file_name(f"{article}_{number}")
            if sides.get(name) == split:
                pairs.append(NewsPair(name, one_line(str(caption))))
    return pairs


def _captions(path: Path, article: str, record: Any) -> Mapping[str, Any]:
    images = record.get("images") if isinstance(record, dict) else None
    if not isinstance(images, dict):
        raise UsageError(f"{path}, article {article}: expected an object with images.")
    return images


def _file_name(picture: str) -> str:
    return picture if picture.lower().endswith(".jpg") else f"{picture}.jpg"


def _broken(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    return frozenset(_file_name(Path(line.strip()).name) for _, line in read_lines(path))


GOODNEWS = NewsReader("goodnews", LAYOUT, goodnews)
