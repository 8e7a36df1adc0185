"""PSTR, phrase-level scene text retrieval: 1,080 pictures, 36 phrases.

`images/` and a JSON object {phrase: [file name, ...]} beside it. The release has the same as a
pickled dictionary, `query_image_dict.npy`; opening a pickle runs whatever its author put into it,
so it is refused with the way to convert it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder, find_home, read_bytes
from sightread.tasks import RetrievalTask

LAYOUT = "PSTR/images/* and PSTR/query_image_dict.json, an object {phrase: [file name, ...]}"
_JSON, _PICKLE = "query_image_dict.json", "query_image_dict.npy"


def pstr(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set (papers/FDP sections 2 and 3). A phrase is one query, lower-cased (Q15).

    Raises:
        UsageError: the data set is not there or not in its form, or only the pickle is.
    """
    home = find_home(root, "PSTR", [_JSON, _PICKLE], LAYOUT)
    pictures = PictureFolder(home / "images", LAYOUT)
    names = dict.fromkeys(pictures.names())
    qrels: dict[str, frozenset[str]] = {}
    for phrase, relevant in _read(home).items():
        query = " ".join(phrase.lower().split())
        qrels[query] = qrels.get(query, frozenset()) | {name.lower() for name in relevant}
        names.update(dict.fromkeys(sorted(qrels[query])))
    queries = {query: query for query in qrels}
    return RetrievalTask("pstr", queries, tuple(names), pictures.load, qrels)


def _read(home: Path) -> dict[str, list[str]]:
    path = home / _JSON
    if not path.exists():
        raise UsageError(
            f"{home / _PICKLE} is a pickle, which can run code when it is opened, and is refused; "
            'where you trust it, convert it once with: python -c "import json, numpy; '
            f"json.dump(numpy.load('{_PICKLE}', allow_pickle=True).item(), open('{_JSON}', 'w'))\"."
        )
    try:
        found = json.loads(read_bytes(path).decode("utf-8-sig"))
    except ValueError as error:  # also what is not UTF-8
        raise UsageError(f"{path} is not JSON ({error}): expected {LAYOUT}.") from error
    if not isinstance(found, dict) or not found:
        raise UsageError(f"{path} is not an object of phrases: expected {LAYOUT}.")
    for phrase, names in found.items():
        fits = isinstance(names, list) and names and all(isinstance(one, str) for one in names)
        if not fits or not phrase.strip():
            raise UsageError(
                f"{path}: the phrase {phrase!r} needs one or more file names, expected {LAYOUT}."
            )
    return found
