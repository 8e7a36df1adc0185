"""Committed results, and how they are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def load(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return result


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def origin(result: dict[str, Any], command: str) -> str:
    cores = result["cores"]
    return (
        f"`{command}`, commit {result['commit']}, seed {result.get('seed', '-')}, "
        f"{cores} core{'s' if cores > 1 else ''} of {result['processor']}.\n"
    )
