"""The demo: render the gallery, index it, ask it a few things, show where a word was found.

    python scripts/demo.py FOLDER

Runs the commands that a user would type, and prints them. Needs no network; a second run finds
its pictures and its library in FOLDER and goes on from there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from sightread.synth.gallery import DEMO_QUERIES, write_gallery


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/demo")
    pictures, library = folder / "gallery", folder / "library.sightread"
    began = time.monotonic()
    if not (pictures / "queries.jsonl").exists():
        print(f"Rendering the gallery into {pictures} ...", flush=True)
        rendered = write_gallery(str(pictures))
        print(f"{len(rendered)} pictures in {time.monotonic() - began:.0f} s.\n", flush=True)
    # --reread: a library of an older reader is brought up to date
    run("index", str(pictures / "images"), "--reread", "--library", str(library))
    for query in DEMO_QUERIES:
        print(f"\n# {query.note}")
        run("search", query.line, "-k", "3", "--table", "--library", str(library))
    first, outlined = DEMO_QUERIES[0].line, folder / "found.png"
    path = output("search", first, "-k", "1", "-0", "--library", str(library)).split("\0")[0]
    print(f"\n# where {first} is written")
    shown = ("show", path, "--query", first, "--out", str(outlined), "--force")
    run(*shown, "--library", str(library), quiet=True)
    print(f"\nLook: the found words are outlined in {outlined.resolve()}")
    print(f"Try your own: .venv/bin/{command('search', 'sale', '--library', str(library))}")


def command(*words: str) -> str:
    return shlex.join(["sightread", *words])


def run(*words: str, quiet: bool = False) -> None:
    print(f"$ {command(*words)}", flush=True)
    where = subprocess.DEVNULL if quiet else None
    environment = {"COLUMNS": "100", **os.environ}
    command_line = [sys.executable, "-m", "sightread", *words]
    code = subprocess.run(command_line, check=False, stdout=where, env=environment).returncode
    if code:
        sys.exit(code)  # the command has said why


def output(*words: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "sightread", *words], check=True, capture_output=True
    )
    return answer.stdout.decode(errors="surrogateescape")


if __name__ == "__main__":
    main()
