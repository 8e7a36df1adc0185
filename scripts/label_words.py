"""Let the OCR reader label photographs, so that the word spotter can learn from them.

    python scripts/label_words.py PICTURES OUT

Reads every JPEG and PNG below PICTURES with RapidOCR and writes OUT, one JSON object a line, as
`sightread.methods.spotter.photographs` reads it: `image` (relative to the folder of OUT), `words`,
`boxes` (quads in pixels), and `unsure`: boxes of words that were read with little confidence,
which training takes neither for text nor for ground. Pictures that OUT has already are left alone,
so that a stopped run goes on where it was.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from sightread.errors import SightreadError
from sightread.images import decode, read_file
from sightread.readers.rapidocr import RapidOcrReader

SURE = 0.9


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("Usage: python scripts/label_words.py PICTURES OUT")
    pictures, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    found = sorted(p for p in pictures.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    if not found:
        sys.exit(f"There are no JPEG or PNG files in {pictures}.")
    try:
        label(found, out)
    except OSError as error:
        sys.exit(f"{out} cannot be written: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit("\nStopped; run it again to go on.")


def label(pictures: list[Path], out: Path) -> None:
    """Add a line to `out` for each picture that it lacks."""
    out.parent.mkdir(parents=True, exist_ok=True)
    done = out.read_text("utf-8").splitlines() if out.exists() else []
    there = {json.loads(line)["image"] for line in done}
    reader, begun, count = RapidOcrReader(), time.monotonic(), 0
    with out.open("a", encoding="utf-8") as file:
        for picture in pictures:
            name = Path(os.path.relpath(picture, out.parent)).as_posix()
            if name in there:
                continue
            try:
                row = labelled(reader, picture, name)
            except SightreadError as error:
                print(f"\n{picture} is left out: {error}", file=sys.stderr)
                continue
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            count += 1
            rate = count / (time.monotonic() - begun)
            print(f"\r{count} labelled, {rate:.1f} a second ", end="", file=sys.stderr)
    print(file=sys.stderr)


def labelled(reader: RapidOcrReader, picture: Path, name: str) -> dict[str, object]:
    """What the reader says of one picture."""
    [regions] = reader.read([decode(read_file(str(picture))).pixels])
    sure = [one for one in regions if one.text and one.confidence >= SURE]
    unsure = [one for one in regions if not one.text or one.confidence < SURE]
    return {
        "image": name,
        "words": [one.text for one in sure],
        "boxes": [_rounded(one.box) for one in sure],
        "unsure": [_rounded(one.box) for one in unsure],
    }


def _rounded(box: tuple[tuple[float, float], ...]) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in box]


if __name__ == "__main__":
    main()
