"""Which annotated photographs the word spotter may learn from: every second one, with its boxes.

    python scripts/train_half.py ANNOTATIONS OUT [LABELLED ...]

ANNOTATIONS has one picture a line, as `sightread.methods.spotter.photographs` reads it, with a
`subset`. Of each subset with boxes the first, third, fifth, ... picture is written to OUT; the
others are measured on (`benchmarks.words --held-out`). Files LABELLED, made by
`scripts/label_words.py`, are added whole.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit("Usage: python scripts/train_half.py ANNOTATIONS OUT [LABELLED ...]")
    annotations, out, *labelled = (Path(name).resolve() for name in sys.argv[1:])
    try:
        rows = [*half(annotations), *(row for file in labelled for row in read(file))]
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("w", encoding="utf-8") as file:
            for row in rows:
                row["image"] = Path(os.path.relpath(row["image"], out.parent)).as_posix()
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"The photographs cannot be put together: {error!r}.")
    print(f"{len(rows)} photographs in {out}.")


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
