"""The query line: examples for each rule, and properties over arbitrary text."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sightread.errors import QueryError
from sightread.search.query import MAX_CHARACTERS, format_query, parse
from sightread.types import FIELDS, AllOf, AnyOf, Compare, Filter, Not, Query, Term

DAY_S = 86400.0


def word(*words: str, **changes: object) -> Term:
    return Term(words, **changes)  # type: ignore[arg-type]


TERMS: list[tuple[str, list[Term]]] = [
    ("coffee", [word("coffee")]),
    ("  coffee\tshop\n", [word("coffee"), word("shop")]),
    ('"coffee shop"', [word("coffee", "shop", quoted=True)]),
    ('"coffee"', [word("coffee", quoted=True)]),
    ("“coffee  shop”", [word("coffee", "shop", quoted=True)]),
    ("„Kaffee“ «café»", [word("Kaffee", quoted=True), word("café", quoted=True)]),
    ('"coffee”', [word("coffee", quoted=True)]),  # phones mix the two
    ('"he said “hi”"', [word("he", "said", "“hi”", quoted=True)]),
    ('"a1""b2"c3', [word("a1", quoted=True), word("b2", quoted=True), word("c3")]),
    ('"fish & chips"', [word("fish", "chips", quoted=True)]),
    ("fish & chips - now", [word("fish"), word("chips"), word("now")]),
    ("coffe~1", [word("coffe", mode="edits", edits=1)]),
    ("coffe~0", [word("coffe", mode="exact")]),
    ('"cofe shop"~3', [word("cofe", "shop", mode="edits", edits=3, quoted=True)]),
    ("~5 a~b x.org/~me", [word("~5"), word("a~b"), word("x.org/~me")]),
    ('"10~20"', [word("10~20", quoted=True)]),
    ("RE16*", [word("RE16", mode="prefix")]),
    ('"RE16*"', [word("RE16", mode="prefix", quoted=True)]),
    ("*berg*", [word("berg", mode="part")]),
    ('-"*berg*"', [word("berg", mode="part", quoted=True, negated=True)]),
    ("-taxi", [word("taxi", negated=True)]),
    ("--taxi", [word("-taxi", negated=True)]),
    ('-"no parking"', [word("no", "parking", quoted=True, negated=True)]),
    ("no-parking", [word("no-parking")]),
    ("title:sale", [word("sale", field="title")]),
    ("TITLE:sale", [word("sale", field="title")]),
    ('person:"Ada Lovelace"~1', [
        word("Ada", "Lovelace", field="person", quoted=True, mode="edits", edits=1)
    ]),
    ("-keyword:draft*", [word("draft", field="keyword", negated=True, mode="prefix")]),
    ("caption:10:30 written:x1", [word("10:30", field="caption"), word("x1", field="written")]),
    ('entity:"Queen Elizabeth II"', [
        word("Queen", "Elizabeth", "II", field="entity", quoted=True)
    ]),
    ("-Entity:Zorin~1", [word("Zorin", field="entity", negated=True, mode="edits", edits=1)]),
    ("10:30", [word("10:30")]),
    ("http://example.org/a", [word("http://example.org/a")]),
    ("C:/photos", [word("C:/photos")]),
    ("Total: 5", [word("Total:"), word("5")]),
    ("smile:)", [word("smile:)")]),
    ("東京駅 Café", [word("東京駅"), word("Café")]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "terms"), TERMS)
def test_terms(line: str, terms: list[Term]) -> None:
    assert parse(line) == Query(tuple(terms))


PATH = Compare("path", "contains", "2024/")
FILTERS: list[tuple[str, Filter]] = [
    ("path:2024/", PATH),
    ("-path:2024/", Not(PATH)),
    ('path:"my trip/"', Compare("path", "contains", "my trip/")),
    ('path:"*"', Compare("path", "contains", "*")),
    ("path:http://x", Compare("path", "contains", "http://x")),
    ("ext:.JPG", Compare("ext", "eq", "jpg")),
    ("ext:jpg,png,jpg", AnyOf((Compare("ext", "eq", "jpg"), Compare("ext", "eq", "png")))),
    ("has:text", Compare("has_text", "eq", True)),
    ("-has:Text", Not(Compare("has_text", "eq", True))),
    ("after:1970-01-02", Compare("taken_at", "ge", DAY_S)),
    ("after:1970-2", Compare("taken_at", "ge", 31 * DAY_S)),
    ("before:1971", Compare("taken_at", "lt", 365 * DAY_S)),
    ('before:"1969-12-31"', Compare("taken_at", "lt", -DAY_S)),
    ("ext:jpg -path:2024/", AllOf((Compare("ext", "eq", "jpg"), Not(PATH)))),
]


@pytest.mark.parametrize(("line", "where"), FILTERS)
def test_filters(line: str, where: Filter) -> None:
    assert parse(line) == Query((), where)
    assert parse(f"coffee {line}") == Query((word("coffee"),), where)


ECHOES = [
    ("  “coffee  shop”-taxi EXT:.JPG", '"coffee shop" -taxi ext:jpg'),
    ("ext:png,.JPG sale~0 after:2024", "sale~0 ext:png,jpg after:2024-01-01"),
    ('-path:"my trip/" Title:"x"~2', 'title:"x"~2 -path:"my trip/"'),
    ("-has:text *berg* & RE*", "*berg* RE* -has:text"),
    ("ENTITY:«Mara Zorin» red", 'entity:"Mara Zorin" red'),
]


@pytest.mark.parametrize(("line", "echo"), ECHOES)
def test_the_echo_is_canonical(line: str, echo: str) -> None:
    assert format_query(parse(line)) == echo


REFUSED = [
    ("", 0, "empty"),
    (" \n", 0, "empty"),
    ("& -", 0, "empty"),
    ('say "coffee', 4, "quote at character 5 has no partner"),
    ('coffee"', 6, "no partner"),
    ("“coffee", 0, "no partner"),
    ('x "&"', 3, 'no letter and no digit in "&" (character 4)'),
    ('""', 1, "nothing between the quotes"),
    ("title:&", 6, "no letter and no digit"),
    ("x title: sale", 8, "nothing after title:"),
    ("coffee~4", 6, "~4 at character 7 is not a number of edits; write ~0 (exact) to ~3."),
    ("10~20", 2, "put the word in quotes"),
    ("coffee~", 6, "not a number of edits"),
    ('"coffee"~x', 8, "not a number of edits"),
    ('"coffee"*', 8, 'inside the quotes: "coffee*"'),
    ("*berg", 0, "word* for what starts with it"),
    ("a b*c", 3, "star at character 4"),
    ("RE16**", 4, "cannot stand there"),
    ("*", 0, "cannot stand there"),
    ("**", 0, "cannot stand there"),
    ('"coffee sho*"', 11, "single word"),
    ("RE*~1", 2, "cannot be combined with a star"),
    ('"RE*"~1', 3, "cannot be combined with a star"),
    ("x entity: Queen", 9, "There is nothing after entity:"),
    ("entity:&", 7, "no letter and no digit in &"),
    ("entiti:Queen", 0, "did you mean entity:?"),
    ("x titel:sale", 2, "did you mean title:?"),
    ("foo:bar", 0, '"foo:bar" in quotes'),
    ('colour:"red"', 0, "known are path:"),
    ("path: x", 0, "needs a value"),
    ('path:" "', 0, "needs a value"),
    ("path:*.jpg", 5, "not a pattern (character 6)"),
    ('path:"x"~1', 8, "means nothing after a filter"),
    ("ext:j?g", 4, "not a file suffix"),
    ("has:gps", 4, "there is has:text"),
    ("after:soon", 6, "not a date (character 7)"),
    ("after:2023-02-30", 6, "not in the calendar (character 7)"),
    ("before:2024-13", 7, "not in the calendar"),
    ("before:0000", 7, "not in the calendar"),
    ("after:24-05-01", 6, "not a date"),
    ("a1 " * 33, 96, "more than 32 words (from character 97)"),
    ("ext:jpg " * 33, 256, "more than 32 filters"),
    ("x" * (MAX_CHARACTERS + 1), MAX_CHARACTERS, "1001 characters long; the limit is 1000"),
]


@pytest.mark.parametrize(("line", "position", "sentence"), REFUSED)
def test_what_is_refused_says_where(line: str, position: int, sentence: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(line)
    assert sentence in str(caught.value)
    assert caught.value.position == position
    assert str(caught.value).endswith((".", "?", '"')), "one sentence or two"


def test_the_echo_of_an_accepted_line_is_never_too_long() -> None:
    # The echo spells dates out and so is longer than this line, which alone would just fit.
    line = "after:2024 " * 30 + "x" * 669
    assert len(line) == MAX_CHARACTERS - 1
    with pytest.raises(QueryError, match="limit is 1000"):
        parse(line)


def test_a_filter_that_no_line_can_spell_is_shown_all_the_same() -> None:
    where = AllOf((Compare("id", "in", (1, 2)), Compare("taken_at", "ge", 0.5)))
    assert format_query(Query((word("x"),), where)) == "x [id in 2 values] [taken_at ge 0.5]"
    late = Query((), AnyOf((Compare("taken_at", "lt", 1e300), Compare("reader", "eq", "r"))))
    assert format_query(late) == "[[taken_at lt 1e+300] or [reader eq 'r']]"


# --- properties -------------------------------------------------------------------------------

PIECES = [
    *('"', "“", "”", "«", "-", "~", "~1", "*", ":", " ", "\u3000", "&", "a", "Ab1", "京", "\x00"),
    *("\ud800", "\u0301", "\u0345", "İ", "2024-05", "title:", "path:", "after:", "ext:", "has:"),
    *("text", "//", ",", ".", "\\", "entity:", "x:"),
]


def parse_or_place(line: str) -> Query | int:
    try:
        return parse(line)
    except QueryError as error:
        return error.position


@settings(max_examples=600, derandomize=True, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
@example('-"*a*" path:“*” "x“y”z"')
def test_any_text_parses_or_is_refused_with_a_place(line: str) -> None:
    found = parse_or_place(line)
    if isinstance(found, int):
        assert 0 <= found <= len(line)
        return
    echo = format_query(found)
    assert parse(echo) == found
    assert format_query(parse(echo)) == echo


letters = st.text(st.sampled_from(string.ascii_letters + string.digits + "éß京-'&.:~"), min_size=1)
quoted_words = letters.filter(lambda text: any(c.isalnum() for c in text))
bare_words = st.text(st.sampled_from(string.ascii_letters + string.digits + "éß京"), min_size=1)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    quoted = draw(st.booleans())
    mode = draw(st.sampled_from(["similar", "exact", "edits", "prefix", "part"]))
    several = 3 if quoted and mode not in ("prefix", "part") else 1
    words = draw(st.lists(quoted_words if quoted else bare_words, min_size=1, max_size=several))
    return Term(
        tuple(words),
        mode=mode,  # type: ignore[arg-type]
        edits=draw(st.integers(1, 3)) if mode == "edits" else 0,
        quoted=quoted,
        negated=draw(st.booleans()),
        field=draw(st.sampled_from([None, *FIELDS])),
    )


suffixes = st.sampled_from(["jpg", "png", "heic"]).map(lambda name: Compare("ext", "eq", name))
conditions: st.SearchStrategy[Filter] = st.one_of(
    st.text(st.characters(exclude_characters='"'), min_size=1, max_size=8)
    .filter(lambda text: bool(text.strip()))
    .map(lambda text: Compare("path", "contains", text)),
    suffixes,
    st.lists(suffixes, min_size=2, max_size=3, unique=True).map(lambda each: AnyOf(tuple(each))),
    st.just(Compare("has_text", "eq", True)),
    st.builds(
        lambda day, op: Compare("taken_at", op, day * DAY_S),
        st.integers(-719162, 2932896),  # year 1 to year 9999
        st.sampled_from(["ge", "lt"]),
    ),
)
filters = st.one_of(conditions, conditions.map(Not))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(terms(), max_size=5), st.lists(filters, max_size=4))
def test_generated_queries_survive_the_round_trip(terms: list[Term], where: list[Filter]) -> None:
    filter_ = AllOf(tuple(where)) if len(where) > 1 else (where[0] if where else None)
    query = Query(tuple(terms), filter_)
    if query == Query():
        assert format_query(query) == ""
    else:
        assert parse(format_query(query)) == query
