"""Filters of any store: each condition, their combinations, and what cannot be applied."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightread.errors import UnsupportedFilter
from sightread.protocols import Store
from sightread.types import AllOf, AnyOf, Compare, Filter, Not

from .conftest import Place, filled
from .oracle import WORDS, PlainStore, hit_rows

CONDITIONS: list[Compare] = [
    Compare("id", "eq", 7),
    Compare("id", "eq", -1),
    Compare("id", "in", ()),
    Compare("id", "in", (1, 1, 2, 10**30, -4)),
    Compare("path", "contains", ""),
    Compare("path", "contains", "/a/"),
    Compare("path", "contains", "été"),
    Compare("path", "contains", "E\u0301TE\u0301"),
    Compare("path", "contains", "%"),
    Compare("path", "contains", "_"),
    Compare("path", "contains", "'"),
    Compare("path", "contains", "STRASSE"),
    Compare("path", "contains", "n\udcffn"),
    Compare("path", "contains", "\\xff"),
    Compare("path", "contains", "jpg\0"),
    Compare("path", "contains", "\0"),
    Compare("path", "eq", "/a/2024/3IMG.JPG"),
    Compare("path", "eq", "/b/n\udcffn/1q"),
    Compare("ext", "eq", "jpg"),
    Compare("ext", "eq", "png"),
    Compare("ext", "eq", "JPG"),
    Compare("ext", "eq", ""),
    Compare("ext", "eq", "hidden"),
    Compare("taken_at", "ge", 0),
    Compare("taken_at", "ge", 1.6e9 + 500),
    Compare("taken_at", "lt", 0.0),
    Compare("taken_at", "lt", float("nan")),
    Compare("taken_at", "ge", float("-inf")),
    Compare("has_text", "eq", True),
    Compare("has_text", "eq", False),
    Compare("reader", "eq", "o'reader@2"),
    Compare("reader", "eq", "rapidocr"),
]


def expected_ids(plain: PlainStore, where: Filter) -> list[int]:
    # No picture has an empty suffix as its suffix: names without one have none.
    if where == Compare("ext", "eq", ""):
        return []
    return plain.ids(where)


@pytest.mark.parametrize("where", CONDITIONS, ids=repr)
def test_each_condition(place: Place, where: Compare) -> None:
    store, plain = filled(place, range(120))
    assert store.ids(where).tolist() == expected_ids(plain, where)
    assert store.count(where) == len(expected_ids(plain, where))
    rest = sorted(set(plain.ids()) - set(expected_ids(plain, where)))
    assert store.ids(Not(where)).tolist() == rest


def filters() -> st.SearchStrategy[Filter]:
    leaves = st.sampled_from([c for c in CONDITIONS if c != Compare("ext", "eq", "")])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
            st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(where=filters(), tokens=st.lists(st.sampled_from(WORDS), max_size=6))
def test_combined_conditions(
    many: tuple[Store, PlainStore], where: Filter, tokens: list[str]
) -> None:
    store, plain = many
    assert store.ids(where).tolist() == plain.ids(where)
    assert store.count(where) == len(plain.ids(where))
    assert hit_rows(store.search_words(tokens, where)) == plain.hits(tokens, where)


@pytest.mark.parametrize(
    "where",
    [
        Compare("path", "ge", "x"),
        Compare("ext", "contains", "jp"),
        Compare("taken_at", "eq", 0.0),
        Compare("taken_at", "ge", "2024"),
        Compare("taken_at", "ge", True),
        Compare("has_text", "eq", "yes"),
        Compare("has_text", "eq", 1),
        Compare("id", "in", 3),
        Compare("id", "eq", 1.5),
        Compare("id", "in", (1, "x")),  # type: ignore[arg-type]
        Compare("colour", "eq", "red"),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_what_cannot_be_applied_is_refused(place: Place, where: Compare) -> None:
    store, _ = filled(place, range(2))
    for asked in (where, Not(where), AllOf((AnyOf(()), where)), AnyOf((AllOf(()), where))):
        with pytest.raises(UnsupportedFilter, match=repr(where.field)):
            store.ids(asked)
        with pytest.raises(UnsupportedFilter):
            store.count(asked)
        with pytest.raises(UnsupportedFilter):
            store.search_words(["x"], asked)
