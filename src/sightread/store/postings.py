"""Occurrences of tokens: the rows of the regions table, exploded, one entry per token.

A process that asks once fetches the few rows it needs through the index on the disk; one that
keeps asking holds the whole list in memory (26 bytes an occurrence, and 32 a region once boxes
are needed) and answers without the disk.
Both give the same hits; the contract suite asks both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sightread.store.rows import boxes_array
from sightread.types import WordHits

HIT_COLUMNS = ["picture", "ordinal", "field", "tokens", "confidence", "line"]
HELD_AFTER = 8
REGIONS_PER_QUESTION = 75_000
"""Questions to one commit before its occurrences are held: at least so many, and one for so many
regions. A commit seldom lasts long while an index runs, and loading takes its time."""
HELD_REGIONS = 10_000_000
"""Libraries with more regions are not held; fetching through the index takes less memory."""

_KINDS: dict[str, Any] = {
    "picture": np.int64,
    "ordinal": np.int32,
    "token": np.int32,
    "whole": np.bool_,
    "field": np.int8,
    "line": np.int32,
    "confidence": np.float32,
}
_REGION_COLUMNS = ("picture", "ordinal", "field", "line", "confidence")


class Postings:
    """All occurrences of one commit in memory. May be used by several threads.

    Args:
        rows: all regions, a pyarrow Table with HIT_COLUMNS.
        load_boxes: gives all regions with picture, ordinal and box, when first needed.
    """

    def __init__(self, rows: Any, load_boxes: Callable[[], Any]) -> None:
        rows = rows.combine_chunks()
        self._columns = {name: _numpy(rows[name]) for name in _REGION_COLUMNS}
        lists = _whole(rows["tokens"])
        encoded = lists.flatten().dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        self._region = parents[order].astype(np.int32)
        self._whole = (np.diff(parents, prepend=-1) != 0)[order]
        counts = np.bincount(codes, minlength=len(encoded.dictionary))
        self._stops = np.cumsum(counts)
        self._starts = self._stops - counts
        self._codes = {token: i for i, token in enumerate(encoded.dictionary.to_pylist())}
        self._load_boxes = load_boxes
        self._boxes: NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def find(
        self, asked: Mapping[str, int], allowed: NDArray[np.int64] | None, boxes: bool
    ) -> WordHits:
        """Occurrences of the tokens that `asked` maps to their numbers, in pictures of `allowed`
        (ascending; None: all)."""
        known = [(self._codes[token], n) for token, n in asked.items() if token in self._codes]
        spans = [np.arange(self._starts[code], self._stops[code]) for code, _ in known]
        numbers = [np.full(len(span), n) for span, (_, n) in zip(spans, known, strict=True)]
        at = np.concatenate([np.zeros(0, np.int64), *spans])
        token = np.concatenate([np.zeros(0, np.int64), *numbers])
        region = self._region[at]
        if allowed is not None:
            kept = among(self._columns["picture"][region], allowed)
            at, token, region = at[kept], token[kept], region[kept]
        part: dict[str, Any] = {name: self._columns[name][region] for name in _REGION_COLUMNS}
        part |= {"token": token, "whole": self._whole[at]}
        if boxes:
            part["boxes"] = self._all_boxes()[region]
        return hits([part], boxes)

    def _all_boxes(self) -> NDArray[np.float32]:
        """(n, 4, 2), in the order of the rows held."""
        with self._lock:
            if self._boxes is None:
                rows = self._load_boxes().combine_chunks()
                loaded = np.lexsort((_numpy(rows["ordinal"]), _numpy(rows["picture"])))
                held = np.lexsort((self._columns["ordinal"], self._columns["picture"]))
                self._boxes = np.empty((len(held), 4, 2), dtype=np.float32)
                self._boxes[held] = boxes_array(_whole(rows["box"]))[loaded]
            return self._boxes


def among(values: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) which of `values` occur in `ascending`."""
    if len(ascending) == 0:
        return np.zeros(len(values), dtype=bool)
    place = np.searchsorted(ascending, values)
    place[place == len(ascending)] = 0
    found: NDArray[np.bool_] = ascending[place] == values
    return found


def exploded(rows: Any, asked: Mapping[str, int]) -> dict[str, Any]:
    """Rows of regions to one entry per occurrence of an asked token, as columns."""
    rows = rows.combine_chunks()
    lists = _whole(rows["tokens"])
    flat, parents = lists.flatten(), pc.list_parent_indices(lists)
    place = pc.index_in(flat, value_set=pa.array(list(asked), pa.string()))
    matched = place.is_valid().to_numpy(zero_copy_only=False)
    parent = parents.to_numpy(zero_copy_only=False)
    is_first = np.diff(parent, prepend=-1) != 0
    region = parent[matched]
    numbers = np.array(list(asked.values()), dtype=np.int32)
    columns: dict[str, Any] = {
        "token": numbers[place.drop_null().to_numpy(zero_copy_only=False)],
        "whole": is_first[matched],
    }
    for name in _REGION_COLUMNS:
        columns[name] = _numpy(rows[name])[region]
    if "box" in rows.column_names:
        columns["boxes"] = boxes_array(_whole(rows["box"]))[region]
    return columns


def hits(parts: list[dict[str, Any]], boxes: bool) -> WordHits:
    """Columns of occurrences, put together in the order that `WordHits` promises."""
    joined: dict[str, Any] = {
        name: np.concatenate([np.zeros(0, kind), *(part[name] for part in parts)]).astype(kind)
        for name, kind in _KINDS.items()
    }
    if boxes:
        none = np.zeros((0, 4, 2), dtype=np.float32)
        joined["boxes"] = np.concatenate([none, *(part["boxes"] for part in parts)])
    order = np.lexsort((joined["token"], joined["ordinal"], joined["picture"]))
    return WordHits(**{name: values[order] for name, values in joined.items()})


def _numpy(column: Any) -> Any:
    return _whole(column).to_numpy(zero_copy_only=False)


def _whole(column: Any) -> Any:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
