"""Cuts a query line into items: `-`, `prefix:`, and a word or what stands between quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sightread.errors import QueryError
from sightread.text import key
from sightread.types import FIELDS

FILTERS = ("path", "ext", "after", "before", "has")
ENTITY = "entity"
KNOWN = (*FILTERS, *FIELDS, ENTITY)
QUOTES = '"“”„‟«»＂'

_BARE = re.compile(rf"[^\s{QUOTES}]+")
_ANY_QUOTE = re.compile(rf"[{QUOTES}]")
_PREFIX = re.compile(r"([^\W\d_]+):")
_AFTER_QUOTE = re.compile(rf"[~*][^\s{QUOTES}]*")


@dataclass(frozen=True, slots=True)
class Item:
    """One stretch of the line: `-`, `prefix:`, then a word or what stands between quotes.

    `start` and `text_at` are 0-based places in the line; `suffix` is what touches the closing
    quote and belongs to it, such as `~1`.
    """

    start: int
    negated: bool
    prefix: str
    text: str
    text_at: int
    quoted: bool
    suffix: str = ""

    @property
    def spelling(self) -> str:
        return f'"{self.text}"' if self.quoted else self.text


def items(line: str) -> Iterator[Item]:
    """The items of `line` from left to right.

    Raises:
        QueryError: a quote without a partner, or a prefix that nobody knows.
    """
    at = 0
    while (at := _skip_space(line, at)) < len(line):
        item, at = _scan(line, at)
        yield item


def _skip_space(line: str, at: int) -> int:
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def _scan(line: str, start: int) -> tuple[Item, int]:
    """The item that begins at `start`, and where it ends."""
    negated = line[start] == "-" and not line[start + 1 : start + 2].isspace()
    at = start + 1 if negated else start
    bare = _bare(line, at)
    prefix = _prefix(line, at, bare)
    if prefix:
        at += len(prefix) + 1
        bare = bare[len(prefix) + 1 :]
    if bare or at == len(line) or line[at] not in QUOTES:
        return Item(start, negated, prefix.lower(), bare, at, False), at + len(bare)
    end = _closing_quote(line, at)
    found = _AFTER_QUOTE.match(line, end + 1)
    suffix = found.group() if found else ""
    item = Item(start, negated, prefix.lower(), line[at + 1 : end], at + 1, True, suffix)
    return item, end + 1 + len(suffix)


def _bare(line: str, at: int) -> str:
    found = _BARE.match(line, at)
    return found.group() if found else ""


def _prefix(line: str, at: int, bare: str) -> str:
    """`title` of `title:sale`; "" where the colon belongs to the word (10:30, http://, C:)."""
    found = _PREFIX.match(bare)
    if found is None:
        return ""
    name, value = found.group(1), bare[found.end() :]
    if name.lower() in KNOWN:
        return name
    quote_follows = not value and line[at + len(bare) : at + len(bare) + 1] in (*QUOTES,)
    if len(name) == 1 or value.startswith("//") or not (key(value) or quote_follows):
        return ""
    raise QueryError(_unknown_prefix(name, bare, at, quote_follows), at)


def _unknown_prefix(name: str, bare: str, at: int, quote_follows: bool) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), KNOWN, n=1)
    meant = (
        f"did you mean {close[0]}:?"
        if close
        else "known are " + ", ".join(f"{known}:" for known in KNOWN) + "."
    )
    way_out = "" if quote_follows else f' To find the text itself, type "{bare}" in quotes.'
    return f"There is no field or filter {name}: (character {at + 1}); {meant}{way_out}"


def _closing_quote(line: str, opening: int) -> int:
    # A straight quote is closed by a straight one if there is any, so that curly quotes may stand
    # inside; everything else is closed by the next quote of whatever shape, as keyboards mix them.
    end = line.find('"', opening + 1) if line[opening] == '"' else -1
    if end < 0:
        found = _ANY_QUOTE.search(line, opening + 1)
        if found is None:
            raise QueryError(
                f"The quote at character {opening + 1} has no partner; close it, or leave it out.",
                opening,
            )
        end = found.start()
    return end
