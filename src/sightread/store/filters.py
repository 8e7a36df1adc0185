"""From a filter to the pictures that fit.

Filters are applied to small columns of the pictures table held in memory, not by LanceDB's SQL:
for 100,000 pictures a condition on paths takes 10 ms this way and 100 ms that way, there is no
text to escape, and absent values need no three-valued logic (`Not` of an unknown date fits).
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from sightread.errors import UnsupportedFilter
from sightread.types import AllOf, Compare, Filter, Not

Mask = NDArray[np.bool_]
ColumnName = Literal["id", "paths", "path_text", "exts", "taken_at", "has_text", "reader"]
Column = Callable[[ColumnName], Any]
"""Gives a column of the pictures as a pyarrow Array, all in one order of pictures."""

PATH_SEPARATOR = "\0"
"""Between the paths of one picture in `path_text`: the one character that no path holds."""

_Test = Callable[[Column, Any], Any]


def display_path(path: str) -> str:
    """A path as proper text: undecodable bytes become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def folded_path(path: str) -> str:
    """The form in which `contains` compares paths: letter case and Unicode form are ignored."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", display_path(path)).casefold())


def check(where: Filter) -> None:
    """Refuse what `mask` cannot apply.

    Raises:
        UnsupportedFilter: a field, operator or value that stores do not know.
    """
    if isinstance(where, Compare):
        _test_of(where)
    elif isinstance(where, Not):
        check(where.part)
    else:
        for part in where.parts:
            check(part)


def mask(where: Filter, column: Column) -> Mask:
    """Which pictures fit, in the order of `column`.

    Raises:
        UnsupportedFilter: a field, operator or value that stores do not know.
    """
    if isinstance(where, Compare):
        fits = _test_of(where)(column, where.value)
        return np.asarray(fits, dtype=np.bool_)
    if isinstance(where, Not):
        return ~mask(where.part, column)
    every = isinstance(where, AllOf)
    result = np.full(len(column("id")), every, dtype=np.bool_)
    for part in where.parts:
        fits = mask(part, column)
        result = result & fits if every else result | fits
    return result


def id_list(where: Filter | None) -> tuple[int, ...] | None:
    """The ids that `where` consists of, or None if it asks for more than ids."""
    if not isinstance(where, Compare) or where.field != "id":
        return None
    check(where)
    return where.value if isinstance(where.value, tuple) else (int(where.value),)


def _test_of(where: Compare) -> _Test:
    known = _TESTS.get((where.field, where.op))
    if known is None:
        raise UnsupportedFilter(
            f"A library cannot be filtered by {where.field!r} with {where.op!r}: known are "
            + ", ".join(f"{field} {op}" for field, op in _TESTS)
            + "."
        )
    test, types = known
    value = where.value
    wrong = isinstance(value, bool) and bool not in types
    if wrong or not isinstance(value, types) or (isinstance(value, tuple) and not _ints(value)):
        raise UnsupportedFilter(
            f"The filter {where.field!r} {where.op!r} cannot be compared with {value!r}: it wants "
            + " or ".join(t.__name__ for t in types)
            + "."
        )
    return test


def _ints(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in values)


def _id_in(column: Column, value: int | tuple[int, ...]) -> Any:
    wanted = value if isinstance(value, tuple) else (value,)
    # Ids are 63 bits; anything larger fits none, and would not fit into an int64 either.
    possible = [number for number in wanted if 0 <= number < 2**63]
    return np.isin(column("id").to_numpy(), np.array(possible, dtype=np.int64))


def _path_contains(column: Column, value: str) -> Any:
    texts = column("path_text")
    wanted = folded_path(value) if PATH_SEPARATOR not in value else PATH_SEPARATOR * 2
    return _filled(pc.match_substring(texts, wanted))


def _path_is(column: Column, value: str) -> Any:
    return _any_item(column("paths"), os.fsencode(value))


def _ext_is(column: Column, value: str) -> Any:
    return _any_item(column("exts"), value.encode("utf-8", "replace").decode())


def _any_item(lists: Any, value: str | bytes) -> Mask:
    found = np.zeros(len(lists), dtype=np.bool_)
    equal = pc.equal(lists.flatten(), value)
    parents = pc.list_parent_indices(lists).filter(equal)
    found[parents.to_numpy(zero_copy_only=False)] = True
    return found


def _taken_from(column: Column, value: float) -> Any:
    return _filled(pc.greater_equal(column("taken_at"), float(value)))


def _taken_before(column: Column, value: float) -> Any:
    return _filled(pc.less(column("taken_at"), float(value)))


def _has_text(column: Column, value: bool) -> Any:
    return _filled(pc.equal(column("has_text"), value))


def _reader_is(column: Column, value: str) -> Any:
    return _filled(pc.equal(column("reader"), value.encode("utf-8", "replace").decode()))


def _filled(matches: Any) -> Any:
    return pc.fill_null(matches, False).to_numpy(zero_copy_only=False)


_TESTS: dict[tuple[str, str], tuple[_Test, tuple[type, ...]]] = {
    ("id", "eq"): (_id_in, (int,)),
    ("id", "in"): (_id_in, (tuple,)),
    ("path", "contains"): (_path_contains, (str,)),
    ("path", "eq"): (_path_is, (str,)),
    ("ext", "eq"): (_ext_is, (str,)),
    ("taken_at", "ge"): (_taken_from, (int, float)),
    ("taken_at", "lt"): (_taken_before, (int, float)),
    ("has_text", "eq"): (_has_text, (bool,)),
    ("reader", "eq"): (_reader_is, (str,)),
}
