"""What readers read, against what is annotated, word by word.

    python -m benchmarks.words.readings --data DIR --model FOLDER [--systems NAME ...]

DIR holds `annotations.jsonl` as `measure.gallery` reads it; a word counts as found or missed by
where its box is, see `fates`. Prints, for each system, one line per subset and one per value of
each trait (`traits`), with the share of each fate. Pictures without boxes count only under "by
text", the share of their words that was read anywhere. Precision is taken where annotations are
complete: of the regions, those that are a word; the others lie on other words ("askew": a piece,
two words in one) or where none is annotated ("ground").

What was read is kept under --cache, one line a picture, so that a stopped run goes on where it was.
`--list FILE` writes every word with its fate and reading, `--out FILE` the tables as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from benchmarks.tables import say, table
from benchmarks.words.fates import FATES, FOUND, Fate, Fated, Judged, judge
from benchmarks.words.galleries import HELD_OUT, PHOTOGRAPHS, SEED, sample, unseen
from benchmarks.words.systems import SYSTEMS, cache_name, open_system, settings
from benchmarks.words.traits import traits
from sightread import images
from sightread.errors import SightreadError
from sightread.measure.environment import environment
from sightread.measure.gallery import GalleryImage, load_folder
from sightread.protocols import Reader
from sightread.search.records import full_size
from sightread.types import Picture, WordRegion

_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Read:
    """What a system made of a picture, boxes in its full size, and the processor time of it."""

    image: GalleryImage
    regions: list[WordRegion]
    reading_ms: float
    decoding_ms: float


def chosen(asked: argparse.Namespace) -> list[GalleryImage]:
    """The pictures of a gallery, or of some subsets, or a seeded sample in their order."""
    every = load_folder(asked.data).images
    images = unseen(every) if asked.held_out else every
    return sample(
        [one for one in images if not asked.subsets or one.subset in asked.subsets], asked.limit
    )


# --- reading -----------------------------------------------------------------------------------


def cpu_s() -> float:
    """Processor time of this process and of the programs it has started and awaited."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def read_all(reader: Reader, pictures: Sequence[GalleryImage], cache: Path | None) -> list[Read]:
    """Readings of all pictures, from the cache where it has them."""
    known = _cached(cache) if cache else {}
    found: list[Read] = []
    told = time.monotonic()
    for number, image in enumerate(pictures):
        row = known.get(image.path)
        if row is None:
            row = _read(reader, image.path)
            _keep(cache, row)
        regions = [_region(*fields) for fields in row["regions"]]
        found.append(Read(image, regions, row["reading_ms"], row["decoding_ms"]))
        if time.monotonic() - told > _EVERY_S:
            told = time.monotonic()
            say(f"{reader.spec.name}: {number + 1} of {len(pictures)} pictures")
    return found


def _read(reader: Reader, path: str) -> dict[str, Any]:
    began = cpu_s()
    picture = images.decode(images.read_file(path), side_limit_px=reader.spec.side_limit_px)
    decoded = cpu_s()
    [words] = reader.read([picture.pixels])
    done = cpu_s()
    return {
        "path": path,
        "reading_ms": round(1000 * (done - decoded), 3),
        "decoding_ms": round(1000 * (decoded - began), 3),
        "regions": [_fields(word, picture) for word in words],
    }


def _fields(word: WordRegion, picture: Picture) -> list[Any]:
    box = [[round(x, 2), round(y, 2)] for x, y in full_size(word.box, picture)]
    return [box, round(float(word.confidence), 5), word.text, word.line, word.spaced]


def _region(
    box: list[list[float]], confidence: float, text: str | None, line: int, spaced: bool
) -> WordRegion:
    a, b, c, d = ((x, y) for x, y in box)
    return WordRegion((a, b, c, d), confidence, text, None, line, spaced)


def _cached(cache: Path) -> dict[str, dict[str, Any]]:
    """The rows by path. Half a line, as a killed run leaves it, is taken away."""
    if not cache.exists():
        return {}
    whole, _, half = cache.read_text("utf-8").rpartition("\n")
    if half:
        cache.write_text(f"{whole}\n" if whole else "", "utf-8")
    rows = [json.loads(line) for line in filter(None, whole.split("\n"))]
    return {row["path"]: row for row in rows}


def _keep(cache: Path | None, row: dict[str, Any]) -> None:
    if cache is not None:
        with cache.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


# --- counting ----------------------------------------------------------------------------------


def summary(name: str, judged: Sequence[tuple[Read, Judged]]) -> dict[str, Any]:
    """One row: shares of words and of regions in [0, 1], times in milliseconds of processor."""
    exact = [one for read, one in judged if read.image.complete and one.fates]
    regions = sum(one.regions for one in exact)
    right = sum(one.right for one in exact)
    ground = sum(one.ground for one in exact)
    fates = [fated.fate for _, one in judged for fated in one.fates]
    words = sum(one.words for _, one in judged)
    return {
        "subset": name,
        "pictures": len(judged),
        "words": words,
        "by text": _share(sum(one.read for _, one in judged), words),
        **fate_shares(fates),
        "precision": _share(right, regions),
        "askew": _share(regions - right - ground, regions),
        "ground": _share(ground, regions),
        "ms": round(_mean(read.reading_ms for read, _ in judged), 2),
        "decoding": round(_mean(read.decoding_ms for read, _ in judged), 2),
    }


def fate_shares(fates: Sequence[Fate]) -> dict[str, float | None]:
    """Recall of boxes, then the share of each fate."""
    counts = Counter(fates)
    found = sum(counts[fate] for fate in FOUND)
    shares = {str(fate): _share(counts[fate], len(fates)) for fate in FATES}
    return {"boxed": len(fates), "found": _share(found, len(fates)), **shares}


def by_trait(judged: Sequence[tuple[Read, Judged]]) -> list[dict[str, Any]]:
    """Rows of fates for each value of each trait, of words with boxes."""
    fates: dict[tuple[str, str], list[Fate]] = defaultdict(list)
    for read, one in judged:
        for fated, values in zip(one.fates, _traits(read.image, one.fates), strict=True):
            for trait, value in values.items():
                fates[trait, value].append(fated.fate)
    traits_order = list(dict.fromkeys(trait for trait, _ in fates))
    rows = sorted(fates.items(), key=lambda one: (traits_order.index(one[0][0]), _order(one[0][1])))
    return [{"trait": t, "value": v, **fate_shares(some)} for (t, v), some in rows]


def _order(value: str) -> tuple[float, str]:
    first = value.split()[0]
    try:
        return float(first), value
    except ValueError:
        return 0.0, value


def _traits(image: GalleryImage, fates: Sequence[Fated]) -> list[dict[str, str]]:
    if not fates:
        return []
    pixels = images.decode(images.read_file(image.path)).pixels
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return [traits(fated.text, fated.box, grey) for fated in fates]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


# --- the command -------------------------------------------------------------------------------


def compare(name: str, judged: Sequence[tuple[Read, Judged]]) -> dict[str, Any]:
    """All tables of one system."""
    subsets = sorted({read.image.subset for read, _ in judged})
    groups = {subset: [subset] for subset in subsets}
    if len(set(PHOTOGRAPHS).intersection(subsets)) > 1:
        groups["photographs"] = list(PHOTOGRAPHS)
    groups["all"] = subsets
    some = {n: [one for one in judged if one[0].image.subset in g] for n, g in groups.items()}
    traits_of = "photographs" if "photographs" in groups else "all"
    return {
        "system": name,
        "subsets": [summary(group, members) for group, members in some.items()],
        "traits_of": traits_of,
        "traits": by_trait(some[traits_of]),
    }


def show(found: dict[str, Any]) -> None:
    """Print the tables of one system."""
    for rows in (found["subsets"], found["traits"]):
        if rows:
            print()
            print(f"{found['system']}" + (f", {found['traits_of']}" if "trait" in rows[0] else ""))
            print(table(tuple(rows[0]), rows))
    sys.stdout.flush()


def _listed(system: str, judged: Sequence[tuple[Read, Judged]]) -> Iterator[dict[str, Any]]:
    for read, one in judged:
        for fated, values in zip(one.fates, _traits(read.image, one.fates), strict=True):
            row = {"system": system, "image": read.image.path, "subset": read.image.subset}
            yield row | asdict(fated) | values


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument("--data", required=True, help="a folder with annotations.jsonl")
    found.add_argument("--model", help="the model folder of the spotter")
    found.add_argument("--systems", nargs="+", default=["spotter-normal"], choices=SYSTEMS)
    found.add_argument("--subsets", nargs="+", help="only these; all if nothing is said")
    found.add_argument("--limit", type=int, help="a seeded sample of so many pictures")
    found.add_argument("--held-out", action="store_true", help=HELD_OUT)
    found.add_argument("--cache", type=Path, help="a folder that keeps what was read")
    found.add_argument("--list", type=Path, help="a file for every word with its fate, JSON lines")
    found.add_argument("--out", type=Path, help="a file for the tables as JSON")
    return found


def main() -> int:
    asked = parser().parse_args()
    cv2.setNumThreads(1)
    try:
        results = run(asked)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    if asked.out:
        report = {"seed": SEED, "fates": FATES, **asdict(environment()), "systems": results}
        asked.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


def run(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """The tables of every system, printed as they come."""
    pictures = chosen(asked)
    if asked.cache:
        asked.cache.mkdir(parents=True, exist_ok=True)
    if asked.list:
        asked.list.write_text("", "utf-8")
    results = []
    for name in asked.systems:
        reader = open_system(name, asked.model)
        say(f"{name}: {settings(reader)}")
        cache = asked.cache / cache_name(name, reader) if asked.cache else None
        judged = [
            (read, judge(read.image, read.regions)) for read in read_all(reader, pictures, cache)
        ]
        found = compare(name, judged) | {"settings": settings(reader)}
        show(found)
        results.append(found)
        if asked.list:
            with asked.list.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in _listed(name, judged))
    return results


if __name__ == "__main__":
    sys.exit(main())
