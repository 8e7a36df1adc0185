"""Text for terminals and pipes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightread.cli.plain import counted, duration, file_size, tsv_field, visible
from sightread.wire import moment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Café 東京 🦊", "Café 東京 🦊"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\udcff.jpg", "\\xff.jpg"),  # the undecodable byte FF of a file name
        ("\ud800", "\\ud800"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),  # would show the name backwards
        ("\x9b2J", "\\x9b2J"),  # a control sequence in one character
    ],
)
def test_visible_shows_what_could_move_the_cursor(text: str, shown: str) -> None:
    assert visible(text) == shown


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_a_tsv_field_stays_in_its_cell_and_can_be_read_back(text: str) -> None:
    field = tsv_field(text)
    assert not set("\t\r\n") & set(field)
    undone = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
    read, rest = "", iter(field)
    for char in rest:
        read += undone[next(rest)] if char == "\\" else char
    assert read == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 s"), (-3, "0 s"), (99, "99 s"), (101, "2 min"), (5900, "98 min")),
        *((6100, "1 h 42 min"), (7500, "2 h 05 min"), (200_000, "2 d 7 h"), (math.inf, "unknown")),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        *((1, "1 byte"), (999, "999 bytes"), (1000, "1 kB"), (1_400_000, "1.4 MB")),
        *((999_600, "1 MB"), (3 * 10**9, "3 GB"), (2 * 10**15, "2,000 TB")),
    ],
)
def test_file_size(size: int, text: str) -> None:
    assert file_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.0, "1970-01-01T00:00:00Z"), (-0.5, "1969-12-31T23:59:59Z")),
        (19844 * 86400 + 43200.9, "2024-05-01T12:00:00Z"),  # 54 years, 13 leap days, 121 days
        (-719162 * 86400.0, "0001-01-01T00:00:00Z"),  # date(1970, 1, 1).toordinal() is 719163
    ],
)
def test_moment(seconds: float, text: str) -> None:
    assert moment(seconds) == text


@pytest.mark.parametrize("seconds", [None, math.nan, math.inf, 1e300, -1e12])
def test_what_is_no_date_has_no_moment(seconds: float | None) -> None:
    assert moment(seconds) is None


def test_counted() -> None:
    assert [counted(n, "picture") for n in (0, 1, 1234)] == [
        "0 pictures",
        "1 picture",
        "1,234 pictures",
    ]
