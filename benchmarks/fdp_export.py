"""Export every variant of FDP from a checkpoint file alone, random weights, parity checked.

    python -m benchmarks.fdp_export --variants S B L --out benchmarks/results/fdp_export.json

For each variant: a checkpoint is written, everything else forgotten, and the checkpoint exported;
`export` itself refuses a cosine below 0.9999 between torch and ONNX Runtime. Variant L needs about
10 GB of memory and 5 GB of disk for a while.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sightread.clip.config import CONFIGS
from sightread.clip.tokens import tiny_tokenizer
from sightread.config import digest, to_plain
from sightread.lab.checkpoint import TrainState, save
from sightread.lab.export import export
from sightread.lab.settings import Run, TrainConfig
from sightread.measure.environment import environment, peak_rss_mb
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.recipe import FdpRecipe, build
from sightread.tokenizer import TokenizerSource, TokenLayout


def main() -> int:
    parser = argparse.ArgumentParser(description="Export FDP variants and check parity.")
    parser.add_argument("--variants", nargs="+", default=["S", "B", "L"])
    parser.add_argument("--work", help="folder for checkpoints; by default a temporary one")
    parser.add_argument("--out", help="file for the result as JSON")
    asked = parser.parse_args()
    results: dict[str, Any] = {}
    for variant in asked.variants:
        with tempfile.TemporaryDirectory(dir=asked.work) as folder:
            results[variant] = exported(variant, Path(folder))
        print(variant, results[variant], file=sys.stderr, flush=True)
    text = json.dumps({"variants": results, "seed": 0, **asdict(environment())}, indent=2)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n")
    return 0


def exported(variant: str, folder: Path) -> dict[str, Any]:
    """Write a checkpoint, then export it."""
    write_checkpoint(variant, folder / "run" / "checkpoints")
    began = time.monotonic()
    done = export(folder / "run", folder / "model")
    size = sum(path.stat().st_size for path in (folder / "model").iterdir())
    shutil.rmtree(folder / "model")
    return {
        "image": asdict(done.image),
        "text": asdict(done.text),
        "seconds": round(time.monotonic() - began),
        "model_mb": round(size / 1e6),
        "peak_rss_mb": round(peak_rss_mb()),
    }


def write_checkpoint(variant: str, folder: Path) -> None:
    """A checkpoint of random weights, as the training loop writes it. The published tokeniser is
    not ours to ship, so that of the tiny family stands in, ids and layout of CLIP's length."""
    recipe = FdpRecipe(FdpConfig(variant=variant))  # type: ignore[arg-type]
    model = build(recipe, 0)
    torch.nn.init.normal_(model.centroids)
    torch.nn.init.normal_(model.probe)
    text = CONFIGS[recipe.model.backbone].text
    layout = TokenLayout(text.context_length, text.vocab_size - 2, text.vocab_size - 1, 0)
    run = Run(recipe, TrainConfig())
    state = TrainState("fdp", 0, to_plain(run), digest(run), layout)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    save(folder, state, model, optimizer, TokenizerSource(tiny_tokenizer().to_str(), layout))


if __name__ == "__main__":
    sys.exit(main())
