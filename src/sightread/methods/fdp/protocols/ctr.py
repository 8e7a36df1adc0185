"""CTR, COCO-Text Retrieval: 7,196 pictures, 500 words. FDP does not report it; baselines do.

`cocotext_top500_retrieval/` holds `images/*.jpg`, `gts/<stem>.txt` with one transcription per line
and no boxes, and `queries.txt` with one query per line. A picture is relevant if one of its
transcriptions equals the query, both lower-cased and with nothing but letters and digits.
"""

from __future__ import annotations

import os
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.fdp.protocols.words import plain_word, words_of_gallery
from sightread.methods.files import PictureFolder, find_home, read_lines
from sightread.tasks import RetrievalTask

LAYOUT = "cocotext_top500_retrieval/queries.txt, its images/*.jpg and its gts/*.txt"


def ctr(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set (papers/FDP sections 2 and 3). Queries that no picture shows are left out.

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    home = find_home(root, "cocotext_top500_retrieval", ["queries.txt"], LAYOUT)
    pictures = PictureFolder(home / "images", LAYOUT)
    truths = sorted((home / "gts").glob("*.txt"))
    if not truths:
        raise UsageError(f"{home / 'gts'} holds no annotations; expected: {LAYOUT}.")
    words = words_of_gallery(pictures, truths, "", _read)
    shown: dict[str, set[str]] = {}
    for picture, texts in words.items():
        for text in texts:
            shown.setdefault(plain_word(text), set()).add(picture)
    shown.pop("", None)  # neither a query nor a word without letters and digits matches anything
    asked = dict.fromkeys(query.strip().lower() for query in _read(home / "queries.txt"))
    qrels = {one: frozenset(shown[plain_word(one)]) for one in asked if plain_word(one) in shown}
    if not qrels:
        raise UsageError(f"No picture of {home} shows any of its {len(asked)} queries.")
    return RetrievalTask("ctr", {one: one for one in qrels}, tuple(words), pictures.load, qrels)


def _read(path: Path) -> list[str]:
    return [line for _, line in read_lines(path)]
