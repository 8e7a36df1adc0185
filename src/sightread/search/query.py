"""The query line: `parse` turns what somebody typed into a `Query`, `format_query` back again.

| typed | means |
|---|---|
| `coffee` | a word, written in the picture or found in its metadata |
| `"coffee shop"` | written in the picture: these words next to each other, in this order |
| `coffe~1`, `"coffe"~1` | at most one edit away (0 to 3; `~0` is exact) |
| `RE16*`, `"RE16*"` | starts with |
| `*berg*` | is a part of a word |
| `title:sale`, `person:"Ada Lovelace"` | in this field (written, title, caption, keyword, person) |
| `entity:"Queen Elizabeth II"` | shows this entity, or names it as a person, keyword or in the \
caption |
| `-taxi`, `-"no parking"`, `-title:draft` | must not be there |
| `path:2024/`, `ext:jpg,png`, `has:text`, `-path:"my trip/"` | filters on the file |
| `after:2024-05`, `before:2025` | taken at or after the first moment of that day, month or year; \
taken before its first moment (UTC) |

Curly quotes and guillemets serve as well as straight ones. A quote is never part of a word, and
what holds no letter and no digit (`&`) is passed over, since words are compared without both.
Nothing else is guessed: what cannot be understood raises a `QueryError` that says where.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from sightread.errors import QueryError
from sightread.search.query_scan import FILTERS, QUOTES, Item, items
from sightread.text import key
from sightread.types import (
    FIELDS,
    AllOf,
    AnyOf,
    Compare,
    Filter,
    Not,
    Query,
    Term,
    TermField,
    TermMode,
)

_TERM_FIELDS: tuple[TermField, ...] = (*FIELDS, "entity")

MAX_CHARACTERS = 1000
MAX_WORDS = 32
MAX_FILTERS = 32
MAX_EDITS = 3

UNSPELLED = "["
"""What the spelling of a filter begins with that no query line can spell."""

_WITH_EDITS = re.compile(r"(.*[^~])(~[0-9]+)", re.DOTALL)
_PATTERN = re.compile(r"(\*?)([^*]+)\*")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?")
_SUFFIXES = re.compile(r"\.?[A-Za-z0-9]{1,10}(,\.?[A-Za-z0-9]{1,10})*")
_EPOCH = date(1970, 1, 1)
_DAY_S = 86400.0


def parse(line: str) -> Query:
    """The query that `line` spells. Terms and filters keep the order in which they were typed.

    A line of only filters, or of only negations, is a valid `Query` without positive terms: the
    engine lists what fits the filters, and refuses negations alone.

    Raises:
        QueryError: the line is empty, too long, or not understood at `position`.
    """
    if len(line) > MAX_CHARACTERS:
        raise _too_long(len(line))
    terms: list[Term] = []
    filters: list[Filter] = []
    for item in items(line):
        if item.prefix in FILTERS:
            filters.append(_filter(item))
        elif (term := _term(item)) is not None:
            terms.append(term)
        _check_counts(terms, filters, item)
    if not terms and not filters:
        raise QueryError('The query is empty; type a word such as coffee or "coffee shop".', 0)
    query = Query(tuple(terms), _all_of(filters))
    if (length := len(format_query(query))) > MAX_CHARACTERS:  # or its echo could not be parsed
        raise _too_long(length)
    return query


def format_query(query: Query) -> str:
    """The query in its canonical spelling: `parse(format_query(q)) == q` for all `parse` gives.

    Filters that no query line can spell (built by a program) are shown in square brackets.
    """
    return " ".join(spell_parts(query))


def spell_parts(query: Query) -> list[str]:
    """The terms and filters of `format_query`, each by itself."""
    parts = [_format_term(term) for term in query.terms]
    if query.where is not None:
        top = query.where.parts if isinstance(query.where, AllOf) else (query.where,)
        parts += [_format_filter(part) for part in top]
    return parts


# --- terms ------------------------------------------------------------------------------------


def _term(item: Item) -> Term | None:
    """The term, or None for a bare item without a letter or digit, such as `&`."""
    text, suffix = _split_suffix(item)
    words = [word for word in text.split() if key(word) or "*" in word]
    if not words:
        if not (item.quoted or item.prefix):
            return None
        raise _nothing_to_find(item)
    plain = Term(tuple(words), quoted=item.quoted, negated=item.negated)
    if item.prefix:
        plain = replace(plain, field=next(f for f in _TERM_FIELDS if f == item.prefix))
    if "*" in text:
        return _pattern(plain, item, suffix)
    return _with_edits(plain, item, suffix)


def _split_suffix(item: Item) -> tuple[str, str]:
    if item.quoted:
        return item.text, item.suffix
    found = _WITH_EDITS.fullmatch(item.text)
    if found:
        return found.group(1), found.group(2)
    if item.text.endswith("~") and key(item.text):
        return item.text.rstrip("~"), "~"
    return item.text, ""


def _nothing_to_find(item: Item) -> QueryError:
    place = item.text_at
    if not item.text.strip():
        after = f" after {item.prefix}:" if item.prefix else " between the quotes"
        message = f"There is nothing{after} (character {place + 1}); put a word there."
    else:
        message = (
            f"There is no letter and no digit in {item.spelling} (character {place + 1}); "
            "words are compared by these alone."
        )
    return QueryError(message, place)


def _pattern(plain: Term, item: Item, suffix: str) -> Term:
    star = item.text_at + item.text.index("*")
    if len(plain.words) > 1:
        raise QueryError(
            f"A star (character {star + 1}) works on a single word, not inside a phrase; "
            'write the word as its own term, such as "coffee" sho*.',
            star,
        )
    found = _PATTERN.fullmatch(plain.words[0])
    if found is None or not key(found.group(2)):
        raise QueryError(
            f"The star at character {star + 1} cannot stand there; write word* for what starts "
            "with it, or *word* for a part of a word.",
            star,
        )
    if suffix:
        raise QueryError(
            f"{suffix} (character {star + 1}) cannot be combined with a star; use one of the two.",
            star,
        )
    mode: TermMode = "part" if found.group(1) else "prefix"
    return replace(plain, words=(found.group(2),), mode=mode)


def _with_edits(plain: Term, item: Item, suffix: str) -> Term:
    if not suffix:
        return plain
    place = item.text_at + (len(item.text) + 1 if item.quoted else len(item.text) - len(suffix))
    if suffix.startswith("*"):
        raise QueryError(
            f'The star at character {place + 1} belongs inside the quotes: "{item.text.strip()}*".',
            place,
        )
    number = suffix[1:]
    if not re.fullmatch("[0-9]+", number) or int(number) > MAX_EDITS:
        quoting = "" if item.quoted else " To find the sign itself, put the word in quotes."
        raise QueryError(
            f"{suffix} at character {place + 1} is not a number of edits; "
            f"write ~0 (exact) to ~{MAX_EDITS}.{quoting}",
            place,
        )
    edits = int(number)
    return replace(plain, mode="edits" if edits else "exact", edits=edits)


# --- filters ----------------------------------------------------------------------------------


def _filter(item: Item) -> Filter:
    if not item.text.strip():
        raise QueryError(
            f"{item.prefix}: at character {item.start + 1} needs a value right after the colon, "
            f"such as {_EXAMPLES[item.prefix]}.",
            item.start,
        )
    if item.suffix:
        place = item.text_at + len(item.text) + 1
        raise QueryError(
            f"{item.suffix} at character {place + 1} means nothing after a filter; leave it out.",
            place,
        )
    part = _condition(item)
    return Not(part) if item.negated else part


_EXAMPLES = {
    "path": "path:2024/",
    "ext": "ext:jpg",
    "after": "after:2024-05-01",
    "before": "before:2025",
    "has": "has:text",
}


def _condition(item: Item) -> Filter:
    place = f"(character {item.text_at + 1})"
    if item.prefix == "path":
        if "*" in item.text and not item.quoted:
            raise QueryError(
                f"path: takes a part of the path, not a pattern {place}; leave the star out, "
                f'or quote it to mean the sign: path:"{item.text}".',
                item.text_at,
            )
        return Compare("path", "contains", item.text)
    if item.prefix == "ext":
        return _suffix_filter(item, place)
    if item.prefix == "has":
        if item.text.lower() != "text":
            raise QueryError(
                f"has:{item.text} is not known {place}; there is has:text.", item.text_at
            )
        return Compare("has_text", "eq", True)
    return Compare("taken_at", "ge" if item.prefix == "after" else "lt", _start_of(item, place))


def _suffix_filter(item: Item, place: str) -> Filter:
    if not _SUFFIXES.fullmatch(item.text):
        raise QueryError(
            f"{item.spelling} is not a file suffix {place}; write ext:jpg or ext:jpg,png.",
            item.text_at,
        )
    each = [suffix.lstrip(".").lower() for suffix in item.text.split(",")]
    alternatives = tuple(Compare("ext", "eq", suffix) for suffix in dict.fromkeys(each))
    return alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives)


def _start_of(item: Item, place: str) -> float:
    """The first moment of a day, month or year, in seconds since 1970 (UTC)."""
    found = _DATE.fullmatch(item.text)
    if found is None:
        raise QueryError(
            f"{item.spelling} is not a date {place}; "
            "write a year, a month or a day: 2024, 2024-05 or 2024-05-01.",
            item.text_at,
        )
    year, month, day = (int(number or 1) for number in found.groups())
    try:
        start = date(year, month, day)
    except ValueError:
        raise QueryError(
            f"{item.text} is not in the calendar {place}; correct the date.", item.text_at
        ) from None
    return (start - _EPOCH).days * _DAY_S


def _all_of(filters: list[Filter]) -> Filter | None:
    if len(filters) > 1:
        return AllOf(tuple(filters))
    return filters[0] if filters else None


# --- limits -----------------------------------------------------------------------------------


def _check_counts(terms: list[Term], filters: list[Filter], item: Item) -> None:
    for count, limit, what in (
        (sum(len(term.words) for term in terms), MAX_WORDS, "words"),
        (len(filters), MAX_FILTERS, "filters"),
    ):
        if count > limit:
            raise QueryError(
                f"The query has more than {limit} {what} (from character {item.start + 1}); "
                "leave some out.",
                item.start,
            )


def _too_long(length: int) -> QueryError:
    return QueryError(
        f"The query is {length} characters long; the limit is {MAX_CHARACTERS}. Shorten it.",
        MAX_CHARACTERS,
    )


# --- back to text -----------------------------------------------------------------------------


def _format_term(term: Term) -> str:
    text = " ".join(term.words)
    if term.mode in ("prefix", "part"):
        text = f"*{text}*" if term.mode == "part" else f"{text}*"
    if term.quoted:
        text = f'"{text}"'
    if term.mode in ("exact", "edits"):
        text = f"{text}~{term.edits}"
    field = f"{term.field}:" if term.field else ""
    return f"{'-' if term.negated else ''}{field}{text}"


def _format_filter(part: Filter) -> str:
    if isinstance(part, Not):
        return f"-{_format_filter(part.part)}"
    if isinstance(part, Compare):
        return _format_condition(part)
    each = [_format_filter(inner) for inner in part.parts]
    if isinstance(part, AnyOf) and each and all(text.startswith("ext:") for text in each):
        return "ext:" + ",".join(text.removeprefix("ext:") for text in each)
    return f"{UNSPELLED}{(' and ' if isinstance(part, AllOf) else ' or ').join(each)}]"


def _format_condition(condition: Compare) -> str:
    match condition:
        case Compare("path", "contains", str(text)):
            quote = bool(re.search(rf"[\s*{QUOTES}]", text))
            return f'path:"{text}"' if quote else f"path:{text}"
        case Compare("ext", "eq", str(text)):
            return f"ext:{text}"
        case Compare("has_text", "eq", True):
            return "has:text"
        case Compare("taken_at", "ge" | "lt", int() | float() as start) if _is_day(start):
            name = "after" if condition.op == "ge" else "before"
            return f"{name}:{(_EPOCH + timedelta(seconds=start)).isoformat()}"
    value = condition.value
    shown = f"{len(value)} values" if isinstance(value, tuple) else repr(value)
    return f"{UNSPELLED}{condition.field} {condition.op} {shown}]"


def _is_day(start: float) -> bool:
    first, last = ((day - _EPOCH).days * _DAY_S for day in (date.min, date.max))
    return first <= start <= last and start % _DAY_S == 0
