"""What reading costs, reader beside reader: processor time of a picture, and how many times that of
another reader it is.

    python -m benchmarks.reading_times --data DIR [--systems NAME...] [--rounds 1] [--out FILE]

Photographs of DIR that the package's spotter has not learned from, decoded before. The readers take
turns, a dozen pictures each, with one thread each: a machine that is faster in one minute than in
the next is so for all of them. `benchmarks.words` measures what they find.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import say, table
from benchmarks.words.galleries import PHOTOGRAPHS, SEED, real
from benchmarks.words.readings import cpu_s
from benchmarks.words.systems import SYSTEMS, open_system, settings
from sightread import images
from sightread.errors import SightreadError
from sightread.measure.environment import environment
from sightread.protocols import Reader
from sightread.readers import SPOTTER_MODEL
from sightread.types import RGBImage

_TURN = 12
"""Pictures: enough that a reader has its weights at hand for most of them."""


def measure(
    readers: dict[str, Reader], paths: list[str], rounds: int
) -> dict[str, NDArray[np.float64]]:
    """Reader -> processor seconds per picture, (pictures,), the least of the rounds."""
    found = {name: np.full((rounds, len(paths)), np.nan) for name in readers}
    for first in range(0, len(paths), _TURN):
        numbers = range(first, min(first + _TURN, len(paths)))
        data = [Path(paths[number]).read_bytes() for number in numbers]
        for at in range(rounds):
            for name, reader in readers.items():
                side = reader.spec.side_limit_px
                pictures = [images.decode(one, side_limit_px=side).pixels for one in data]
                found[name][at, first : first + _TURN] = _turn(reader, pictures)
        say(f"{numbers.stop} of {len(paths)} pictures")
    return {name: seconds.min(axis=0) for name, seconds in found.items()}


def _turn(reader: Reader, pictures: list[RGBImage]) -> list[float]:
    taken = []
    for pixels in pictures:
        start = cpu_s()
        reader.read([pixels])
        taken.append(cpu_s() - start)
    return taken


def row(name: str, seconds: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    own = seconds[name]
    ms = {"mean ms": round(1000 * float(own.mean()), 1)}
    ms["median ms"] = round(1000 * float(np.median(own)), 1)
    ms["95th ms"] = round(1000 * float(np.quantile(own, 0.95)), 1)
    times = {
        f"of {other}": round(float(own.mean() / one.mean()), 4) for other, one in seconds.items()
    }
    return {"system": name, **ms, **times}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", required=True, help="a folder with annotations.jsonl")
    parser.add_argument("--model", default=str(SPOTTER_MODEL))
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=SYSTEMS)
    parser.add_argument("--rounds", type=int, default=1, help="the least time of several counts")
    parser.add_argument("--out", type=Path, help="a file for the result as JSON")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    try:
        gallery = real(asked.data, None, None, held_out=True)
        paths = [image.path for image in gallery.images if image.subset in PHOTOGRAPHS]
        readers = {name: open_system(name, asked.model) for name in asked.systems}
        seconds = measure(readers, paths, asked.rounds)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    rows = [row(name, seconds) for name in readers]
    print(table(list(rows[0]), rows))
    if asked.out:
        report = {
            "rows": rows,
            "settings": {name: settings(reader) for name, reader in readers.items()},
            "pictures": len(paths),
            "rounds": asked.rounds,
            "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
            "seed": SEED,
        }
        text = json.dumps(report | asdict(environment()), indent=1)
        asked.out.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
