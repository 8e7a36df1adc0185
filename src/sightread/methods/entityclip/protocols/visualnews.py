"""VisualNews: pictures of the Guardian, BBC, USA Today and Washington Post (section 3.3).

Either as released, `VisualNews/origin/data.json` with the pictures below `origin/`, which is split
here by a hash of each id; or with ready lists `VisualNews/{train,val,test}.json` and the pictures
below `VisualNews/images/`. Records have `id`, `caption` and `image_path` such as
"./guardian/images/0319/958.jpg". If it is there, `VisualNews/CapDsc_mistral_{train,val,test}.json`
has the explanations.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from sightread.methods.entityclip.protocols.news import (
    NewsPair,
    NewsReader,
    NewsSet,
    Split,
    beside,
    news_set,
    read_records,
)
from sightread.methods.files import PictureFolder, find_home

LAYOUT = (
    "VisualNews/origin/data.json with the pictures in VisualNews/origin/, or "
    "VisualNews/{train,val,test}.json with the pictures in VisualNews/images/"
)
HELD_OUT = 0.04
"""Share of the release that is for validation, and again as much for the test: about 40,000 of a
million pictures each. Which splits the paper used is not known."""


def visualnews(root: str | os.PathLike[str], split: Split = "test") -> NewsSet:
    """One split.

    Raises:
        UsageError: the data set is not there, or not in its form.
    """
    markers = ["train.json", "val.json", "test.json", "origin/data.json"]
    home = find_home(root, "VisualNews", markers, LAYOUT)
    ready = home / f"{split}.json"
    path = ready if ready.is_file() else home / "origin" / "data.json"
    records = [
        NewsPair(one.id.removeprefix("./"), one.caption)
        for values, one in read_records(path, "image_path", "caption")
        if path == ready or split_of(_number(values, one)) == split
    ]
    images = home / ("images" if path == ready else "origin")
    known = beside(home / f"CapDsc_mistral_{split}.json")
    return news_set("visualnews", records, PictureFolder(images, LAYOUT), known)


def split_of(number: str) -> Split:
    """The split of a record of the release, by its id: the same whatever else is there."""
    digest = hashlib.sha256(f"visualnews:{number}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < HELD_OUT:
        return "test"
    return "val" if place < 2 * HELD_OUT else "train"


def _number(values: Mapping[str, Any], one: NewsPair) -> str:
    return str(values.get("id", one.id))


VISUALNEWS = NewsReader("visualnews", LAYOUT, visualnews)
