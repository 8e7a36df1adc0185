"""N24News: pictures of the New York Times in 24 sections (section 3.2).

`N24News/news/nytimes_{train,dev,test}.json`, lists of records with `caption` and `image_id`;
`N24News/imgs/<image_id>.jpg`; if it is there, `N24News/news/CapDsc_mistral_{train,dev,test}.json`
with an explanation for each picture.
"""

from __future__ import annotations

import os

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

LAYOUT = "N24News/news/nytimes_{train,dev,test}.json and N24News/imgs/<image_id>.jpg"
_FILES: dict[Split, str] = {"train": "train", "val": "dev", "test": "test"}


def n24news(root: str | os.PathLike[str], split: Split = "test") -> NewsSet:
    """One split.

    Raises:
        UsageError: the data set is not there, or not in its form.
    """
    home = find_home(root, "N24News", ["news"], LAYOUT)
    news, part = home / "news", _FILES[split]
    records = [
        NewsPair(f"{one.id}.jpg", one.caption)
        for _, one in read_records(news / f"nytimes_{part}.json", "image_id", "caption")
    ]
    known = beside(news / f"CapDsc_mistral_{part}.json")
    return news_set("n24news", records, PictureFolder(home / "imgs", LAYOUT), known)


N24NEWS = NewsReader("n24news", LAYOUT, n24news)
