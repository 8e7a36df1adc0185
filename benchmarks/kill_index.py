"""Kill indexing at random moments, and look at what is left.

    python -m benchmarks.kill_index --kills 200 --seed 0

A process indexes a folder of rendered pictures with the real reader and the real store. Before
each run pictures are added, moved, copied, overwritten, broken and deleted; then the process is
killed with SIGKILL at a random moment. After every kill the library must open, hold everything
that was acknowledged (its flush had returned), and nothing that is half there; after the last one
an undisturbed run must bring it to exactly the pictures, paths, words and failures that are due.
Prints one JSON object; the exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from PIL import Image, ImageDraw, ImageFont

from sightread.errors import LibraryError
from sightread.images import content_id
from sightread.measure.environment import environment
from sightread.search.ledger import Ledger
from sightread.store import open_store
from sightread.types import PictureId, PictureRecord

RUN_LIMIT_S = 300.0
_LETTERS = "ABCDEFHKLMNPRSTUVXYZ"
_OPERATIONS = ("add", "add", "add", "add", "copy", "move", "overwrite", "delete", "break")
_OPERATIONS_PER_ROUND = 30
_LINES = 16
_DELAY_S = 0.15


# --- the process that is killed -------------------------------------------------------------


def child(library: str, folder: str) -> None:
    """Index, and tell on stdout when something is acknowledged or about to be forgotten."""
    from sightread.readers import open_reader
    from sightread.search import batch
    from sightread.search.ingest import ingest
    from sightread.store import writer
    from sightread.store.lance import LanceStore
    from sightread.store.lancedb_import import load_lancedb

    class TellingStore(LanceStore):
        _waiting: tuple[PictureId, ...] = ()

        def put(self, pictures: Sequence[PictureRecord]) -> None:
            self._waiting += tuple(picture.id for picture in pictures)
            super().put(pictures)

        def flush(self) -> None:
            tell("flush")
            super().flush()
            tell("acknowledged", self._waiting)
            self._waiting = ()

        def forget(self, ids: Sequence[PictureId]) -> int:
            tell("forget", ids)
            return super().forget(ids)

    class TellingWriter(writer.Writer):
        def _tidy(self) -> None:
            tell("maintain")
            super()._tidy()
            tell("maintained")

    # Small steps, so that a random moment often falls into a flush or into maintenance.
    batch.PICTURES = 4
    writer.FLUSHES_PER_MAINTENANCE = 3
    lance = sys.modules["sightread.store.lance"]
    vars(lance)["Writer"] = TellingWriter
    reader = open_reader()
    load_lancedb()  # now, so that no kills are wasted on the import
    tell("ready")
    store = TellingStore(Path(library), write=True, create=True)
    tell("opened")
    ledger = Ledger.open(library, write=True)
    report = ingest(store, reader, ledger, [folder])
    store.close()
    tell(f"report {report.new}")


def tell(kind: str, ids: Sequence[PictureId] = ()) -> None:
    """A line on stdout, written at once."""
    os.write(1, f"{kind} {','.join(map(str, ids))}\n".encode())


# --- pictures ---------------------------------------------------------------------------------


def render_pool(folder: Path, count: int, rng: random.Random) -> list[bytes]:
    """PNG files, all different, of 240 x 64 px with one word each."""
    folder.mkdir(parents=True)
    font = ImageFont.load_default(40)
    pool = []
    for number in range(count):
        word = "".join(rng.choice(_LETTERS) for _ in range(5))
        image = Image.new("RGB", (240, 64), (20, 40 + number % 60, 90))
        ImageDraw.Draw(image).text((20, 8), word, fill=(250, 250, 240), font=font)
        path = folder / f"{number}.png"
        image.save(path)
        pool.append(path.read_bytes())
    return pool


@dataclass
class Album:
    """The folder that is indexed: what should be in each file (None: no picture)."""

    folder: Path
    pool: list[bytes]
    rng: random.Random
    files: dict[str, int | None] = field(default_factory=dict)
    broken_ever: set[str] = field(default_factory=set)
    made: int = 0

    def change(self) -> None:
        """A round of random operations."""
        for _ in range(_OPERATIONS_PER_ROUND):
            operation = self.rng.choice(_OPERATIONS)
            if operation == "add" or len(self.files) < 5:
                self._write(self._new_path(), self.rng.randrange(len(self.pool)))
                continue
            path = self.rng.choice(sorted(self.files))
            if operation == "delete" or len(self.files) > len(self.pool):
                os.unlink(path)
                del self.files[path]
            elif operation == "copy":
                self._write(self._new_path(), self.files[path])
            elif operation == "move":
                target = self._new_path()
                os.rename(path, target)
                self.files[target] = self.files.pop(path)
                self._note_broken(target)
            elif operation == "overwrite":
                self._write(path, self.rng.randrange(len(self.pool)))
            else:
                self._write(path, None)

    def due(self) -> dict[PictureId, list[str]]:
        """Which picture should have which paths in the end."""
        found: dict[PictureId, list[str]] = {}
        for path, number in sorted(self.files.items()):
            if number is not None:
                found.setdefault(content_id(self.pool[number])[0], []).append(path)
        return found

    def _new_path(self) -> str:
        self.made += 1
        folder = self.folder / f"{self.made % 7}"
        folder.mkdir(exist_ok=True)
        return str(folder / f"{self.made}.png")

    def _write(self, path: str, number: int | None) -> None:
        data = b"no picture" if number is None else self.pool[number]
        Path(path).write_bytes(data)
        self.files[path] = number
        self._note_broken(path)

    def _note_broken(self, path: str) -> None:
        if self.files[path] is None:
            self.broken_ever.add(path)


# --- one run ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moment:
    """So many seconds after the child told its n-th line (counted from 0)."""

    line: int
    delay_s: float


@dataclass
class Run:
    """What a child told before it ended or was killed."""

    code: int = 0
    stage: str = "start"
    acknowledged: set[PictureId] = field(default_factory=set)
    forgotten: set[PictureId] = field(default_factory=set)
    new: int = -1
    noise: str = ""


def run_child(library: Path, folder: Path, kill_at: Moment | None) -> Run:
    """Start a child and kill it at that moment, if it lives so long; None: let it end."""
    command = [sys.executable, __file__, "--child", str(library), str(folder)]
    run = Run()
    reached = threading.Event()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    line = kill_at.line if kill_at else -1
    listener = threading.Thread(target=_listen, args=(process.stdout, run, line, reached))
    listener.start()
    if kill_at is not None:
        reached.wait(RUN_LIMIT_S)
        time.sleep(kill_at.delay_s)
        process.kill()  # does nothing to a process that has ended
    listener.join(RUN_LIMIT_S)
    run.noise = process.stderr.read().decode(errors="replace")
    run.code = process.wait()
    process.stdout.close()
    process.stderr.close()
    return run


def _listen(lines: IO[bytes], run: Run, awaited: int, reached: threading.Event) -> None:
    for number, line in enumerate(lines):
        if not line.endswith(b"\n"):
            break  # killed while telling
        kind, *rest = line.decode().split()
        ids = [int(text) for text in rest[0].split(",")] if rest else []
        run.stage = kind
        if kind == "acknowledged":
            run.acknowledged.update(ids)
            run.forgotten.difference_update(ids)
        elif kind == "forget":
            run.forgotten.update(ids)
        elif kind == "report":
            run.new = ids[0]
        if number == awaited:
            reached.set()
    reached.set()


# --- what is left -----------------------------------------------------------------------------

Reference = dict[PictureId, PictureRecord]


def read_library(library: Path) -> tuple[Reference, list[str]]:
    """Every picture of a library, and what contradicts itself in it."""
    wrong = []
    store = open_store(str(library))
    ids = store.ids().tolist()
    records = store.get(ids)
    if len(set(ids)) != len(ids) or [record.id for record in records] != ids:
        wrong.append(f"{len(ids)} ids, {len(set(ids))} different, {len(records)} pictures")
    paths = collections.Counter(stamp.path for record in records for stamp in record.stamps)
    wrong += [f"{path} belongs to {count} pictures" for path, count in paths.items() if count > 1]
    tokens = collections.Counter(
        token for record in records for region in record.regions for token in region.tokens
    )
    vocabulary = store.vocabulary()
    counts = dict(zip(vocabulary.tokens, vocabulary.counts.tolist(), strict=True))
    if counts != dict(tokens):
        wrong.append(f"words of no picture, or pictures without words: {counts} {dict(tokens)}")
    hits = store.search_words(vocabulary.tokens)
    if not set(hits.picture.tolist()) <= set(ids):
        wrong.append("a search finds pictures that are not there")
    store.close()
    return {record.id: record for record in records}, wrong


def half_there(found: Reference, reference: Reference) -> list[str]:
    """Pictures that differ from what an undisturbed run makes of them, paths and time apart."""
    wrong = []
    for picture, record in found.items():
        whole = reference.get(picture)
        if whole is None:
            wrong.append(f"{picture} is no picture of the folder")
        elif replace(record, stamps=(), indexed_at=0.0) != replace(
            whole, stamps=(), indexed_at=0.0
        ):
            wrong.append(f"{picture} is not what it should be: {record}")
    return wrong


def check_end(album: Album, library: Path, reference: Reference) -> list[str]:
    """After an undisturbed run: exactly what is due."""
    found, wrong = read_library(library)
    wrong += half_there(found, reference)
    paths = {picture: [stamp.path for stamp in record.stamps] for picture, record in found.items()}
    if paths != album.due():
        wrong.append(f"pictures and paths are {paths}, due are {album.due()}")
    with Ledger.open(str(library)) as ledger:
        failed = [failure.path for failure in ledger.failures()]
    if failed != sorted(path for path, number in album.files.items() if number is None):
        wrong.append(f"in the ledger are {failed}")
    return wrong


def campaign(base: Path, kills: int, seed: int, pool_size: int = 200) -> dict[str, object]:
    """Run it all in an empty folder; what is wrong is under "wrong" (empty if fine)."""
    rng = random.Random(seed)
    pool = render_pool(base / "pool", pool_size, rng)
    whole = run_child(base / "reference", base / "pool", None)
    reference, wrong = read_library(base / "reference")
    if whole.code != 0 or whole.noise:
        wrong.append(f"the reference run ended with {whole.code}: {whole.noise}")
    wordless = sum(not record.regions for record in reference.values())
    (base / "album").mkdir()
    album, library = Album(base / "album", pool, rng), base / "library"
    stages: collections.Counter[str] = collections.Counter()
    there: set[PictureId] = set()
    done = 0
    while stages.total() < kills and not wrong:
        album.change()
        moment = Moment(rng.randrange(_LINES), rng.uniform(0.0, _DELAY_S))
        run = run_child(library, album.folder, moment)
        if run.code == -signal.SIGKILL and run.stage != "report":
            stages[run.stage] += 1
        else:  # killed when all was done counts as little as not killed
            done += 1
        if run.code not in (0, -signal.SIGKILL) or run.noise:
            wrong.append(f"run {stages.total() + done} ended with {run.code}: {run.noise}")
        there, found_wrong = check_kill(library, reference, there, run)
        wrong += [f"after kill {stages.total()} ({run.stage}): {text}" for text in found_wrong]
    if not wrong:
        last, again = (run_child(library, album.folder, None) for _ in range(2))
        wrong += [f"the last run ended with {run.code}" for run in (last, again) if run.code != 0]
        wrong += check_end(album, library, reference)
        if again.new != 0:
            wrong.append(f"a run without changes read {again.new} pictures")
    return {
        "kills": stages.total(),
        "killed_after": dict(stages.most_common()),
        "runs_that_ended_before": done,
        "pictures": len(album.due()),
        "files": len(album.files),
        "pictures_without_words": wordless,
        "wrong": wrong,
    }


def check_kill(
    library: Path, reference: Reference, before: set[PictureId], run: Run
) -> tuple[set[PictureId], list[str]]:
    """Which pictures are there now, and what is wrong with that; `before` were there then."""
    try:
        found, wrong = read_library(library)
    except LibraryError as error:
        early = not before and not run.acknowledged and "There is no library" in str(error)
        return set(), [] if early else [str(error)]
    wrong += half_there(found, reference)
    lost = (before | run.acknowledged) - run.forgotten - found.keys()
    if lost:
        wrong.append(f"acknowledged and lost: {sorted(lost)}")
    Ledger.open(str(library)).close()
    return set(found), wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill indexing at random moments.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs=2, metavar=("LIBRARY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sightread-kill-") as base:
        report = campaign(Path(base), options.kills, options.seed)
    report["seconds"] = round(time.monotonic() - started)
    report |= {"seed": options.seed, **asdict(environment())}
    print(json.dumps(report, indent=2))
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
