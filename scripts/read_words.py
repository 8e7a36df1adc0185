"""Write what a reader finds in pictures, for encoders that take what is written.

    python scripts/read_words.py PICTURES OUT [--reader NAME] [--detail low|normal|high]

Reads every picture below the folder PICTURES and writes OUT/<path of the picture>.json, one record
as `sightread.scenetext.records` describes; `sightread evaluate hopid --ocr OUT` reads them. Records
of the same reader that are there are left alone, so that a stopped run goes on where it was; those
of another one are replaced. A picture that cannot be decoded is named and left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from sightread.errors import SightreadError
from sightread.images import decode, read_file
from sightread.protocols import Reader
from sightread.readers import READERS, open_reader
from sightread.scenetext.records import FindRecord, open_records, plain_record, write_record

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pictures", type=Path, metavar="PICTURES", help="a folder")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder that is written")
    parser.add_argument("--reader", choices=sorted(READERS), default="rapidocr")
    parser.add_argument("--detail", choices=("low", "normal", "high"), help="of the spotter")
    asked = parser.parse_args()
    try:
        reader = open_reader(asked.reader, detail=asked.detail)
        return read_all(reader, asked.pictures, asked.out)
    except SightreadError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{asked.out} cannot be written: {error.strerror or error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; run it again to go on.", file=sys.stderr)
    return 1


def read_all(reader: Reader, pictures: Path, out: Path) -> int:
    """A record for each picture that lacks one of this reader; the exit status."""
    found = sorted(one for one in pictures.rglob("*") if one.suffix.lower() in SUFFIXES)
    if not found:
        print(f"There are no pictures in {pictures}.", file=sys.stderr)
        return 1
    engine = f"{reader.spec.name} {reader.spec.revision[:12]}"
    out.mkdir(parents=True, exist_ok=True)
    known, begun, read, failed = open_records(out), time.monotonic(), 0, 0
    for picture in found:
        name = picture.relative_to(pictures).as_posix()
        if has_record(known, name, engine):
            continue
        try:
            image = decode(read_file(str(picture)))
            [words] = reader.read([image.pixels])
        except SightreadError as error:
            print(f"\n{picture} is left out: {error}", file=sys.stderr)
            failed += 1
            continue
        height, width = image.pixels.shape[:2]
        write_record(out, plain_record(name, (width, height), engine, words))
        read += 1
        pace = read / (time.monotonic() - begun)
        print(f"\r{read} read, {pace:.1f} a second ", end="", file=sys.stderr)
    there = len(found) - read - failed
    print(f"\r{read} read, {there} known, {failed} left out; {engine}.", file=sys.stderr)
    return 0


def has_record(known: FindRecord, name: str, engine: str) -> bool:
    """Whether there is a sound record of this reader."""
    try:
        record = known(name)
    except SightreadError:
        return False
    return record is not None and record.engine == engine


if __name__ == "__main__":
    sys.exit(main())
