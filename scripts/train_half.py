"""Which annotated photographs the word spotter may learn from: every second one, with its boxes.

    python scripts/train_half.py ANNOTATIONS OUT [LABELLED ...] [--times SUBSET=N]

ANNOTATIONS has one picture a line, as `sightread.methods.spotter.photographs` reads it, with a
`subset`. Of each subset with boxes the first, third, fifth, ... picture is written to OUT; the
others are measured on (`benchmarks.words --held-out`). Files LABELLED, made by
`scripts/label_words.py`, are added whole. With --times the pictures of a subset are listed N times,
so that training sees them N times as often.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").partition("\n\n")[2])
    for name in ("annotations", "out"):
        parser.add_argument(name, type=lambda given: Path(given).resolve())
    parser.add_argument("labelled", nargs="*", type=lambda given: Path(given).resolve())
    parser.add_argument("--times", type=_subset_and_number, default=("", 1))
    given = parser.parse_args()
    often, times = given.times
    try:
        rows = [*half(given.annotations), *(row for file in given.labelled for row in read(file))]
        rows += [row for row in rows if row.get("subset") == often] * (times - 1)
        given.out.parent.mkdir(parents=True, exist_ok=True)
        with given.out.open("w", encoding="utf-8") as file:
            for row in rows:
                image = Path(os.path.relpath(row["image"], given.out.parent)).as_posix()
                file.write(json.dumps(row | {"image": image}, ensure_ascii=False) + "\n")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"The photographs cannot be put together: {error!r}.")
    print(f"{len(rows)} photographs in {given.out}.")


def _subset_and_number(given: str) -> tuple[str, int]:
    subset, _, times = given.rpartition("=")
    if not subset or not times.isdigit() or int(times) < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not of the form SUBSET=N, N from 1")
    return subset, int(times)


def half(annotations: Path) -> Iterator[dict[str, Any]]:
    """Every second picture of each subset that has boxes."""
    rows = list(read(annotations))
    boxed = {row["subset"] for row in rows if row.get("boxes")}
    seen: Counter[str] = Counter()
    for row in rows:
        if row["subset"] in boxed:
            if seen[row["subset"]] % 2 == 0:
                yield row
            seen[row["subset"]] += 1


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, images with their whole paths."""
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        yield {**row, "image": str(file.parent / row["image"])}


if __name__ == "__main__":
    main()
