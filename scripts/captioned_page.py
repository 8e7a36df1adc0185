"""The part of docs/hopid.md about real captions that speak of text."""

from __future__ import annotations

from typing import Any

from results import RESULTS, load, origin, table

FILES = ("captioned", "captioned_spotter")
COMMAND = "python -m benchmarks.captioned --root DIR --ocr DIR --encoder MODEL"
_KS = ("R@1", "R@5", "R@10")


def captioned() -> str:
    """A table for each reader; that nothing was measured, where that is so."""
    there = [name for name in FILES if (RESULTS / f"{name}.json").exists()]
    if not there:
        return f"Not measured yet: `{COMMAND}` does it.\n"
    return "\n".join(_part(load(name)) for name in there)


def _part(found: dict[str, Any]) -> str:
    head = ("captions", "count", "how", *_KS)
    rows = [
        (row["captions"], f"{row['count']:,}", row["how"], *(_cell(row[k]) for k in _KS))
        for row in found["rows"]
    ]
    chance = ", ".join(f"R@{k} {100 * k / found['pictures']:.2f}" for k in (1, 5, 10))
    return (
        f"Read by {', '.join(found['engines'])}: {found['pictures_with_words']:,} of "
        f"{found['pictures']:,} pictures have words that count. Percent; by chance {chance}.\n\n"
        f"{table(head, rows)}\n" + origin(found, COMMAND)
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
