"""Shows the answer to a query: a table for people; JSON, JSONL, TSV or bare paths for programs.

The three machine formats carry the same fields of a hit, in the order of `FIELDS`. Numbers that
are not finite and things that are not known are null in JSON and empty in TSV.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, TextIO

from sightread.cli.plain import counted, tsv_field, visible
from sightread.text import key
from sightread.wire import FIELDS, dump_json, hit_fields, match_name, ranked, result_fields

if TYPE_CHECKING:
    from sightread.types import Evidence, Hit, Result

_SHOWN_EVIDENCE = 4


def as_json(result: Result, offset: int = 0) -> str:
    """One object: what was understood, how many there are, and the hits under `results`."""
    return dump_json(result_fields(result, offset), indent=2) + "\n"


def as_jsonl(result: Result, offset: int = 0) -> str:
    """One hit per line."""
    return "".join(dump_json(hit_fields(hit, rank)) + "\n" for rank, hit in ranked(result, offset))


def as_tsv(result: Result, offset: int = 0) -> str:
    """A line of column names, then one hit per line; `evidence` is JSON. See `tsv_field`."""
    lines = ["\t".join(FIELDS)]
    for rank, hit in ranked(result, offset):
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
    for rank, hit in ranked(result, offset):
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
    if not evidence.word:
        return f"{name} ({evidence.channel}{_counted_words(evidence)})"
    return f"{name} ({second})" if (second := _second(evidence)) else name


def _counted_words(evidence: Evidence) -> str:
    """How much an encoder let the words of the picture count, and which."""
    told = evidence.scene_text
    if told is None or not told.words:
        return ""
    return f"; what is written counts {told.counts:.2f}: {', '.join(told.words)}"


def _second(evidence: Evidence) -> str:
    """What the other one of two readers has to say."""
    if evidence.other_reading is None:
        return ""
    if not evidence.other_reading:
        return "one reader of two"
    same = key(evidence.other_reading) == key(evidence.word)
    return "both readers" if same else f"other reader: {evidence.other_reading}"


def _percent(probability: float | None) -> str:
    if probability is None:
        return "–"
    # 99.7 % is not certain: round towards doubt.
    return f"{math.floor(100 * probability)} %"


def _short(path: str, here: str) -> str:
    return path.removeprefix(here.rstrip("/") + "/")


def explained(result: Result) -> list[str]:
    """A line for each entity of the query: what it was taken to look like, and who says so."""
    return [
        f"{visible(one.term)}: {visible(one.text)} "
        f"({visible(one.source)}{', ' * bool(one.model)}{visible(one.model)}; "
        f"{'searched with' if one.joined else 'not searched with'})"
        for one in result.explanations
    ]


def summary(result: Result, offset: int = 0) -> str:
    """What the table is: how many pictures, for which query, and what was left out."""
    shown = len(result.hits)
    count = counted(result.total, "picture")
    if shown < result.total:
        count = f"{offset + 1:,} to {offset + shown:,} of {count}" if shown else f"none of {count}"
    parts = [count, f"query: {visible(result.query)}", *_weaker(result)]
    if (again := result.looked_again) is not None:
        parts.append(f"{again.pictures:,} looked at again in {again.took_ms:.0f} ms")
    return " · ".join([*parts, f"{result.took_ms:.0f} ms"])


def refined(result: Result) -> str:
    """A line of the words that part pictures which look alike; "" if there are none."""
    if not result.refine:
        return ""
    words = ", ".join(f"{visible(one.word)} {one.pictures:,}" for one in result.refine)
    return f"Written in them: {words}"


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
