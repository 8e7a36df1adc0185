"""Shows the answer to a query: a table for people; JSON, JSONL, TSV or bare paths for programs.

The three machine formats carry the same fields of a hit, in the order of `FIELDS`. Numbers that
are not finite and things that are not known are null in JSON and empty in TSV.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from sightread.cli.plain import counted, moment, tsv_field, visible

if TYPE_CHECKING:
    from sightread.types import Evidence, Hit, Result

FIELDS = (
    *("rank", "path", "id", "score", "probability"),
    *("width", "height", "taken_at", "evidence"),
)

_SURROGATE = re.compile("[\ud800-\udfff]")
_SHOWN_EVIDENCE = 4


def match_name(evidence: Evidence) -> str:
    """exact, look-alike, edits:2, prefix, part or meaning."""
    return f"edits:{evidence.edits}" if evidence.match == "edits" else evidence.match


def hit_fields(hit: Hit, rank: int) -> dict[str, Any]:
    """One hit as plain values, keys in the order of `FIELDS`. `rank` counts from 1."""
    return {
        "rank": rank,
        "path": hit.path,
        "id": f"{hit.id:016x}",
        "score": _number(hit.score, 6),
        "probability": _number(hit.probability, 6),
        "width": hit.width,
        "height": hit.height,
        "taken_at": moment(hit.taken_at),
        "evidence": [_evidence_fields(evidence) for evidence in hit.evidence],
    }


def _evidence_fields(evidence: Evidence) -> dict[str, Any]:
    boxes = [[[_number(x, 1), _number(y, 1)] for x, y in box] for box in evidence.boxes]
    return {
        "channel": evidence.channel,
        "rank": evidence.rank,
        "score": _number(evidence.score, 6),
        "match": match_name(evidence),
        "term": evidence.term,
        "word": evidence.word,
        "boxes": boxes,
    }


def _number(value: float | None, digits: int) -> float | None:
    return round(float(value), digits) if value is not None and math.isfinite(value) else None


def dump_json(value: object, indent: int | None = None) -> str:
    """JSON in which letters of all scripts are readable. An undecodable byte of a file name is an
    escaped surrogate (`\\udcff`), which `os.fsencode` of the parsed string gives back. Numbers
    that are not finite become null."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def as_json(result: Result, offset: int = 0) -> str:
    """One object: what was understood, how many there are, and the hits under `results`."""
    answer = {
        "query": result.query,
        "total": result.total,
        "below": result.below,
        "threshold": _number(result.threshold, 6),
        "took_ms": _number(result.took_ms, 1),
        "nearest": list(result.nearest),
        "warnings": list(result.warnings),
        "results": [hit_fields(hit, rank) for rank, hit in _ranked(result, offset)],
    }
    return dump_json(answer, indent=2) + "\n"


def as_jsonl(result: Result, offset: int = 0) -> str:
    """One hit per line."""
    return "".join(dump_json(hit_fields(hit, rank)) + "\n" for rank, hit in _ranked(result, offset))


def as_tsv(result: Result, offset: int = 0) -> str:
    """A line of column names, then one hit per line; `evidence` is JSON. See `tsv_field`."""
    lines = ["\t".join(FIELDS)]
    for rank, hit in _ranked(result, offset):
        fields = hit_fields(hit, rank)
        lines.append("\t".join(tsv_field(_cell(fields[name])) for name in FIELDS))
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return dump_json(value) if isinstance(value, list) else str(value)


def as_paths(result: Result) -> str:
    """Paths, each ended by a NUL, as `xargs -0` takes them."""
    return "".join(hit.path + "\0" for hit in result.hits)


def _ranked(result: Result, offset: int) -> Iterator[tuple[int, Hit]]:
    return enumerate(result.hits, start=offset + 1)


# --- for people -------------------------------------------------------------------------------


def print_table(result: Result, out: TextIO, offset: int = 0, width: int | None = None) -> None:
    """A table as wide as the terminal. Paths below the current folder are shown relative to it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("#", justify="right", style="dim", no_wrap=True)
    table.add_column("prob.", justify="right", no_wrap=True)
    table.add_column("match", overflow="fold")
    table.add_column("word", style="bold", overflow="fold")
    table.add_column("picture", overflow="fold", ratio=1)
    here = os.getcwd()
    for rank, hit in _ranked(result, offset):
        match, word = _match_and_word(hit)
        cells = (str(rank), _percent(hit.probability), match, word, _short(hit.path, here))
        # Text, not str: a file name such as "[red]" is no markup.
        table.add_row(*(Text(visible(cell)) for cell in cells))
    Console(file=out, width=width, highlight=False).print(table)


def _match_and_word(hit: Hit) -> tuple[str, str]:
    pairs = list(dict.fromkeys((_how(e), e.word) for e in hit.evidence))
    more = ", …" if len(pairs) > _SHOWN_EVIDENCE else ""
    shown = pairs[:_SHOWN_EVIDENCE]
    kinds = dict.fromkeys(match for match, _ in shown)
    return ", ".join(kinds) + more, ", ".join(word for _, word in shown if word) + more


def _how(evidence: Evidence) -> str:
    # An encoder reads no word: its name says who saw it.
    name = match_name(evidence)
    return name if evidence.word else f"{name} ({evidence.channel})"


def _percent(probability: float | None) -> str:
    if probability is None:
        return "–"
    # 99.7 % is not certain: round towards doubt.
    return f"{math.floor(100 * probability)} %"


def _short(path: str, here: str) -> str:
    return path.removeprefix(here.rstrip("/") + "/")


def summary(result: Result, offset: int = 0) -> str:
    """What the table is: how many pictures, for which query, and what was left out."""
    shown = len(result.hits)
    count = counted(result.total, "picture")
    if shown < result.total:
        count = f"{offset + 1:,} to {offset + shown:,} of {count}" if shown else f"none of {count}"
    parts = [count, f"query: {visible(result.query)}", *_weaker(result)]
    return " · ".join([*parts, f"{result.took_ms:.0f} ms"])


def nothing_found(result: Result) -> str:
    """A line for an empty answer: the nearest readings, and how to see weaker matches."""
    parts = [f"Nothing found for: {visible(result.query)}"]
    if result.nearest:
        words = ", ".join(visible(word) for word in result.nearest)
        parts.append(f"nearest words in the library: {words}")
    return " · ".join([*parts, *_weaker(result)])


def _weaker(result: Result) -> list[str]:
    if not result.below:
        return []
    matches = "match" if result.below == 1 else "matches"
    return [f"{result.below:,} weaker {matches} (below {result.threshold:.2g}): --all shows them"]
