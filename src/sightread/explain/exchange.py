"""Explanations as JSONL: for training, for an editor, for another machine.

For training one line is `{"entity": ..., "text": ..., "source": ...}`, good ones only; a caption
stands under `entity` too. The whole form has every field of `Explanation` and those that the gates
kept out. Both are read back, and so is anything in which `text` was corrected by hand.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, get_args

from sightread.errors import ExplanationError
from sightread.explain.book import Book
from sightread.explain.explanation import HAND, Explanation, Kind, Subject, Verdict
from sightread.explain.fill import by_hand
from sightread.explain.glossary import parsed_line


def training_lines(explanations: Iterable[Explanation]) -> Iterator[str]:
    """A line for each explanation that may be trained on."""
    for one in explanations:
        if one.verdict == "good":
            yield _line({"entity": one.name, "text": one.text, "source": one.origin})


def whole_lines(explanations: Iterable[Explanation]) -> Iterator[str]:
    """A line with all that is known, for each explanation."""
    for one in explanations:
        yield _line(explanation_fields(one))


def explanation_fields(one: Explanation) -> dict[str, Any]:
    """An explanation as plain values, in the order in which they are shown."""
    return {
        "entity": one.name,
        "about": one.kind,
        "text": one.text,
        "source": one.source,
        "model": one.model,
        "prompt": one.prompt,
        "made_at": one.made_at,
        "verdict": one.verdict,
        "version": one.version,
        "raw": one.raw,
    }


def take_in(book: Book, lines: Iterable[str], name: str) -> tuple[int, int]:
    """Add what the lines say to the book.

    Args:
        name: of the file, for messages and as the source where none is named.

    Returns:
        How many versions were added, and how many lines said what is there already.

    Raises:
        ExplanationError: a line is broken; nothing of the file was taken then.
    """
    found = [
        _read(parsed_line(line, f"{name}, line {number}"), name, number)
        for number, line in enumerate(lines, start=1)
        if line.strip()
    ]
    added = 0
    for one in found:
        if not _is_there(book, one):
            book.add(replace(one, source=HAND) if _is_corrected(book, one) else one)
            added += 1
    return added, len(found) - added


def _is_corrected(book: Book, one: Explanation) -> bool:
    """Whether it is a version of this book with its text changed: then a person changed it."""
    return any(
        one.source in (known.source, known.origin) and one.made_at in (0.0, known.made_at)
        for known in book.versions(one.subject)
    )


def _is_there(book: Book, one: Explanation) -> bool:
    """Whether it is what counts, or something that did not count is a version already."""
    known = book.find(one.subject)
    if known is not None and (known.text, known.verdict) == (one.text, one.verdict):
        return True
    if one.verdict == "good":
        return False
    return any(
        (v.text, v.verdict, v.raw) == (one.text, one.verdict, one.raw)
        for v in book.versions(one.subject)
    )


def _read(fields: dict[str, Any], name: str, number: int) -> Explanation:
    place = f"{name}, line {number}"
    texts = {key: fields.get(key, "") for key in ("entity", "text", "source", "model", "prompt")}
    texts["raw"] = fields.get("raw", "")
    for key, value in texts.items():
        if not isinstance(value, str):
            raise ExplanationError(f"{place}: {key} must be a text.")
    kind, verdict = fields.get("about", "entity"), fields.get("verdict", "good")
    if kind not in get_args(Kind) or verdict not in get_args(Verdict):
        raise ExplanationError(f"{place}: {kind} or {verdict} is not known here.")
    subject = Subject(texts["entity"], kind)
    if not subject.key:
        raise ExplanationError(f"{place}: there is no entity; every line needs one.")
    text = texts["text"]
    if verdict == "good":
        try:
            text = by_hand(subject, text).text
        except ExplanationError as error:
            raise ExplanationError(f"{place}: {error}") from error
    made_at = fields.get("made_at", 0.0)
    real = isinstance(made_at, int | float) and math.isfinite(made_at)
    return Explanation(
        name=subject.name,
        text=text,
        source=texts["source"] or f"import {name}",
        model=texts["model"],
        prompt=texts["prompt"],
        made_at=float(made_at) if real else 0.0,
        verdict=verdict,
        raw=texts["raw"],
        kind=kind,
    )


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"
