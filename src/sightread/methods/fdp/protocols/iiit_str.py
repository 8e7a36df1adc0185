"""IIIT-STR: 10,000 pictures, 50 words, each with a list of the pictures that show it.

`IIIT_STR_V1.0/data.mat` holds a 1 x 50 struct array `data`; field 0 of an element is the query,
field 1 the column of positive file names, both in nested cells. `imgDatabase/` holds the pictures,
some of which are no JPEG despite their suffix. There is no comparison of texts; pictures without
any text are part of the gallery.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sightread.errors import UsageError
from sightread.methods.fdp.protocols.matlab import load_variable, unwrap_text
from sightread.methods.files import PictureFolder, find_home
from sightread.tasks import RetrievalTask

LAYOUT = "IIIT_STR_V1.0/data.mat and IIIT_STR_V1.0/imgDatabase/*.jpg"
_FORM = "a 1 x 50 struct array `data` of query and file names"


def iiit_str(root: str | os.PathLike[str]) -> RetrievalTask:
    """The test set (papers/FDP sections 2 and 3).

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    home = find_home(root, "IIIT_STR_V1.0", ["data.mat"], LAYOUT)
    truth = home / "data.mat"
    pictures = PictureFolder(home / "imgDatabase", LAYOUT)
    names = dict.fromkeys(pictures.names())
    queries: dict[str, str] = {}
    qrels: dict[str, frozenset[str]] = {}
    for number, element in enumerate(load_variable(truth, "data", _FORM).reshape(-1), 1):
        text, relevant = _element(truth, number, element)
        # Should a word be asked twice, both count, as in the published evaluation.
        query = text if text not in queries else f"{text} ({number})"
        queries[query] = text
        qrels[query] = frozenset(relevant)
        names.update(dict.fromkeys(relevant))  # one that is not there is reported as missing
    if not queries:
        raise UsageError(f"{truth} holds no queries: expected {_FORM}.")
    return RetrievalTask("iiit-str", queries, tuple(names), pictures.load, qrels)


def _element(path: Path, number: int, element: Any) -> tuple[str, list[str]]:
    fields = element.dtype.names if isinstance(element, np.void) else None
    if not fields or len(fields) < 2:
        raise UsageError(f"{path}, element {number} has no two fields: expected {_FORM}.")
    text = unwrap_text(element[fields[0]])
    cells = element[fields[1]]
    names = [unwrap_text(cell) for cell in np.ravel(cells)] if np.size(cells) else []
    if not text or not text.strip() or not names or not all(names):
        raise UsageError(
            f"{path}, element {number}: expected a query and one or more file names, found "
            f"{text!r} and {len(names)} names."
        )
    return text.strip().lower(), [str(name).strip().lower() for name in names]
