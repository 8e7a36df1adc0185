"""Explanations that somebody has written down already: glossaries and knowledge dumps.

A glossary is a CSV file with the columns `entity` and `description`, and if wanted `aliases`
(separated by |), or a JSONL file with the same names, aliases as a list. It may leave out who it
is about in the description: the two stand side by side.

A knowledge dump is a JSONL file, one thing a line:

    {"label": "Elizabeth II", "aliases": ["Queen Elizabeth II"], "description": "...",
     "facts": ["wore coats and hats in one bright colour", ...], "source": "where it is from"}

Only `label` and one of `description` and `facts` are needed; other names are passed over. It may
be of any length, is read once from start to end, and only those that are asked for are kept.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sightread.errors import ExplanationError
from sightread.explain.explanation import Subject

MAX_LINE_CHARS = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a glossary or dump."""

    name: str
    text: str
    aliases: tuple[str, ...]
    source: str
    line: int


class Entries:
    """Entries by name and alias. The first of several of one name counts.

    Attributes:
        warnings: sentences on names that are there twice.
    """

    def __init__(self) -> None:
        self._by_key: dict[str, Entry] = {}
        self._places: dict[str, int] = {}
        self.all: list[Entry] = []
        self.warnings: list[str] = []

    def find(self, subject: Subject) -> Entry | None:
        """The entry of an entity; captions have none."""
        return self._by_key.get(subject.key) if subject.kind == "entity" else None

    def add(self, entry: Entry) -> None:
        own = Subject(entry.name).key
        if self._places.get(own, entry.line) != entry.line:
            self.warnings.append(
                f"{entry.name} is there twice in {entry.source}: lines {self._places[own]} and "
                f"{entry.line}; the first was taken."
            )
            return
        self._places[own] = entry.line
        self.all.append(entry)
        self._by_key[own] = entry  # a name before the alias of another
        for alias in entry.aliases:
            self._by_key.setdefault(Subject(alias).key, entry)


def read_glossary(path: str) -> Entries:
    """A whole glossary.

    Raises:
        ExplanationError: it cannot be read, or a line is broken (with its number).
    """
    found = Entries()
    source = f"glossary {os.path.basename(path)}"
    lines = _jsonl(path) if path.lower().endswith((".jsonl", ".ndjson")) else _csv(path)
    for number, fields in lines:
        found.add(_glossary_entry(fields, source, f"{path}, line {number}", number))
    if not found.all:
        raise ExplanationError(f"The glossary {path} has no entry; write one entity a line.")
    return found


def read_knowledge(path: str, subjects: Iterable[Subject]) -> Entries:
    """Those entries of a knowledge dump that are about one of the subjects.

    Raises:
        ExplanationError: it cannot be read, or a line is broken (with its number).
    """
    wanted = {subject.key for subject in subjects if subject.kind == "entity"}
    found = Entries()
    for number, fields in _jsonl(path):
        entry = _knowledge_entry(fields, path, number)
        if not wanted.isdisjoint(Subject(name).key for name in (entry.name, *entry.aliases)):
            found.add(entry)
    return found


def _glossary_entry(fields: Mapping[str, Any], source: str, place: str, number: int) -> Entry:
    name = _text(fields, "entity", place)
    given = fields.get("aliases") or []
    aliases = given.split("|") if isinstance(given, str) else given
    kept = _names(aliases, place)
    return Entry(name, _text(fields, "description", place), kept, source, number)


def _knowledge_entry(fields: Mapping[str, Any], path: str, number: int) -> Entry:
    place = f"{path}, line {number}"
    name = _text(fields, "label", place)
    facts = fields.get("facts") or []
    if not isinstance(facts, list) or not all(isinstance(fact, str) for fact in facts):
        raise ExplanationError(f"{place}: facts must be a list of texts.")
    first = _text(fields, "description", place) if fields.get("description") or not facts else ""
    parts = [part.strip().rstrip(".") for part in (first, *facts) if part.strip()]
    source = fields.get("source")
    named = f" ({source})" if isinstance(source, str) and source.strip() else ""
    return Entry(
        name=name,
        text=". ".join(parts) + ".",
        aliases=_names(fields.get("aliases") or [], place),
        source=f"knowledge {os.path.basename(path)}{named}",
        line=number,
    )


def _text(fields: Mapping[str, Any], name: str, place: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ExplanationError(f"{place}: there is no {name}; every line needs one.")
    if name in ("entity", "label") and not Subject(value).key:
        raise ExplanationError(f"{place}: the {name} {value!r} has no letter and no digit.")
    return value.strip()


def _names(aliases: object, place: str) -> tuple[str, ...]:
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise ExplanationError(f"{place}: aliases must be a list of names.")
    return tuple(alias.strip() for alias in aliases if Subject(alias).key)


# --- files ------------------------------------------------------------------------------------


def _csv(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(_lines(path), strict=True)
    start = 1
    try:
        columns = rows.fieldnames or []
        for name in ("entity", "description"):
            if name not in columns:
                raise ExplanationError(
                    f"{path}, line 1: there is no column {name}; a glossary begins with "
                    "entity,description (and aliases, if there are any)."
                )
        start = rows.line_num + 1
        for row in rows:
            if None in row or None in row.values():
                raise ExplanationError(
                    f"{path}, line {start}: there must be {len(columns)} columns here as in line "
                    "1; put what holds a comma in double quotes."
                )
            yield start, dict(row)
            start = rows.line_num + 1
    except csv.Error as error:  # a quote without a partner goes on to the end of the file
        raise ExplanationError(f"{path}, line {start} is no CSV: {error}.") from error


def _jsonl(path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_lines(path), start=1):
        if line.strip():
            yield number, parsed_line(line, f"{path}, line {number}")


def parsed_line(line: str, place: str) -> dict[str, Any]:
    """A line of JSONL.

    Raises:
        ExplanationError: it is no JSON object.
    """
    if len(line) > MAX_LINE_CHARS:
        raise ExplanationError(f"{place} has more than {MAX_LINE_CHARS:,} characters; shorten it.")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be parsed"
        raise ExplanationError(f"{place} is not JSON: {reason}; correct the line.") from None
    if not isinstance(fields, dict):
        raise ExplanationError(f"{place} is no JSON object; a line looks like {{...}}.")
    return fields


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                yield _decoded(line, f"{path}, line {number}", first=number == 1)
    except OSError as error:
        raise ExplanationError(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(line: bytes, place: str, *, first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        raise ExplanationError(f"{place} is no text in UTF-8; save the file as such.") from None
