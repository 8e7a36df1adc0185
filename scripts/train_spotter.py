"""Train the word spotter from nothing to a model folder, on two processor cores.

    python scripts/train_spotter.py OUT [--backgrounds DIR] [--photographs FILE]
                                    [--real-words DIR] [--words FILE] [--start DIR] [--notes FILE]

Two runs beside each other, `configs/spotter/cpu-words.toml` and `cpu-finder.toml`: reading and
finding share no weights, so that each has a core of its own. About two hours and a quarter. The
same command goes on where it was stopped. OUT/model is the model folder, calibrated; progress of
each run is in OUT/*.log. What it gives beside the model of the package: docs/decisions/0014.

    --backgrounds   photographs to write on
    --photographs   photographs whose words are known, see `scripts/train_half.py`
    --real-words    photographed words, cut out: words.zip and labels.tsv
    --words         more words to write, one a line
    --start         weights to begin with, such as configs/spotter/start
    --notes         Markdown about all these for the card of the model
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

CONFIGS = Path("configs/spotter")
EVERY_S = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("out", type=Path)
    for name in ("backgrounds", "photographs", "real-words", "words", "start", "notes"):
        parser.add_argument(f"--{name}", type=Path)
    given = parser.parse_args()
    data = {
        "backgrounds": given.backgrounds,
        "photographs": given.photographs,
        "words": given.words,
        "real_words": given.real_words,
        "start_from": given.start,
    }
    options = _set({name: path for name, path in data.items() if path})
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        _train(given.out, {"words": options, "finder": options})
    except KeyboardInterrupt:
        sys.exit("\nStopped; run it again to go on.")
    notes = ["--notes", str(given.notes)] if given.notes else []
    words, finder, model = (str(given.out / name) for name in ("words", "finder", "model"))
    _sightread(["export", words, "--finder", finder, "--out", model, "--overwrite", *notes])
    _sightread(["models", "calibrate", model])


def _train(out: Path, runs: dict[str, Sequence[str]]) -> None:
    """Runs beside each other, one thread each, until all have ended well."""
    started = {}
    for name, options in runs.items():
        config = ["--config", str(CONFIGS / f"cpu-{name}.toml"), "--out", str(out / name)]
        going_on = ["--resume"] if (out / name).exists() else []
        log = (out / f"{name}.log").open("ab")
        command = [sys.executable, "-m", "sightread", "train", "spotter", *config, *going_on]
        started[name] = subprocess.Popen(
            [*command, *options], stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
    try:
        while any(one.poll() is None for one in started.values()):
            time.sleep(EVERY_S)
            print("\r" + " | ".join(_last_line(out, name) for name in runs), file=sys.stderr)
    except KeyboardInterrupt:
        for one in started.values():
            one.wait()
        raise
    for name, one in started.items():
        if one.returncode:
            sys.exit(f"Training {name} failed: {_last_line(out, name)} ({out / name}.log)")


def _last_line(out: Path, name: str) -> str:
    lines = (out / f"{name}.log").read_text("utf-8", "replace").replace("\r", "\n").split("\n")
    return f"{name}: {next((line for line in reversed(lines) if line.strip()), '')}"


def _sightread(arguments: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "sightread", *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _set(values: dict[str, Path]) -> list[str]:
    return [part for name, value in values.items() for part in ("--set", f"method.{name}={value}")]


if __name__ == "__main__":
    main()
