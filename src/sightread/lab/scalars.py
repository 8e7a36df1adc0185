"""`scalars.csv`: every figure of a run over time, one per row: step, seconds, tag, value.

Tags are those that TensorBoard users know: `loss/total`, `lr/prompts`, `metric/map`. The long form
needs no fixed set of columns, and is one pivot away from a table.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path

HEAD = ("step", "seconds", "tag", "value")


class Scalars:
    """Appends rows; each call of `add` reaches the file at once."""

    def __init__(self, path: Path, *, step: int) -> None:
        """Open for a run that goes on after `step`: rows of later steps, which a killed run has
        left, are dropped."""
        kept = [row for row in read_scalars(path) if row[0] <= step]
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        with fresh.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([HEAD, *kept])
        os.replace(fresh, path)
        self._file = path.open("a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def add(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        self._writer.writerows(
            (step, f"{seconds:.3f}", tag, repr(float(value))) for tag, value in values.items()
        )
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_scalars(path: Path) -> list[tuple[int, float, str, float]]:
    """Rows of the file in order; none if it is not there. A last row cut off by a kill is left
    out."""
    rows: list[tuple[int, float, str, float]] = []
    if not path.exists():
        return rows
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.reader(file):
            try:
                step, seconds, tag, value = row
                rows.append((int(step), float(seconds), tag, float(value)))
            except ValueError:  # the head, or half a row
                continue
    return rows
