"""What FDP's image side costs over plain CLIP on the same backbone and input size.

    python -m benchmarks.fdp_cost --variant S --rounds 15 --out benchmarks/results/fdp_cost.json

Both take the same preprocessed picture, batch 1, and give a unit vector; plain CLIP pools the same
grid with its own table resized. Random weights: the time does not depend on them. The two run in
turns, in torch and in ONNX Runtime, one thread each, float32. Prints medians in ms and the ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP, ModifiedResNet
from sightread.clip.positions import resize_positions
from sightread.lab.graphs import to_onnx
from sightread.measure.environment import environment
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.recipe import CLIP_DOT
from sightread.methods.fdp.towers import ImageTower


class PlainTower(nn.Module):
    """CLIP at another input size, as it would serve."""

    positions: Tensor

    def __init__(self, clip: CLIP, cells: int) -> None:
        super().__init__()
        self.visual = cast(ModifiedResNet, clip.visual)
        table = self.visual.attnpool.positional_embedding.detach()
        self.register_buffer("positions", resize_positions(table, cells))

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S) -> (B, D)."""
        pool = self.visual.attnpool
        tokens = pool.tokens(self.visual.grid(pixels), self.positions)
        return F.normalize(pool.attend(tokens), dim=-1)


def main() -> int:
    parser = argparse.ArgumentParser(description="Cost of FDP over plain CLIP.")
    parser.add_argument("--variant", choices=["S", "B", "L", "tiny"], default="S")
    parser.add_argument("--size", type=int, default=640, help="side of the input in pixels")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", help="file for the result as JSON")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings = FdpConfig(variant=asked.variant, size_px=asked.size)
    clip = CLIP(CONFIGS[settings.backbone]).eval()
    model = FDP(clip, settings, CLIP_DOT).eval()
    towers: dict[str, nn.Module] = {
        "clip": PlainTower(clip, model.cells).eval(),
        "fdp": ImageTower(model).eval(),
    }
    pixels = torch.randn(1, 3, asked.size, asked.size)
    result: dict[str, Any] = {
        "torch": turns(in_torch(towers, pixels), asked.rounds),
        "onnxruntime": turns(in_onnxruntime(towers, pixels), asked.rounds),
    }
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    report = {**vars(asked), **result, "versions": versions, "seed": 0, **asdict(environment())}
    report.pop("out")
    text = json.dumps(report, indent=2)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n")
    return 0


def in_torch(towers: dict[str, nn.Module], pixels: Tensor) -> dict[str, Callable[[], object]]:
    """The towers as calls of torch."""

    def call(tower: nn.Module) -> Callable[[], object]:
        def once() -> object:
            with torch.inference_mode():
                return tower(pixels)

        return once

    return {name: call(tower) for name, tower in towers.items()}


def in_onnxruntime(towers: dict[str, nn.Module], pixels: Tensor) -> dict[str, Callable[[], object]]:
    """The towers as exported graphs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    example = pixels.expand(2, -1, -1, -1)

    def call(name: str, tower: nn.Module) -> Callable[[], object]:
        outputs = ["embeddings", "text_map"] if name == "fdp" else ["embeddings"]
        graph = to_onnx(tower, example, "pixels", outputs)
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"pixels": pixels.numpy()})

    return {name: call(name, tower) for name, tower in towers.items()}


def turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median processor ms of each, called in turns after one warm-up, and the overhead of FDP.

    The overhead is the median of the ratios within a round, so that a slow moment of the machine
    falls on both.
    """
    for call in calls.values():
        call()
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.process_time()
            call()
            spent[name].append(1000 * (time.process_time() - began))
    ratios = [ours / plain for ours, plain in zip(spent["fdp"], spent["clip"], strict=True)]
    found = {f"{name}_ms": round(statistics.median(times), 1) for name, times in spent.items()}
    found["overhead_percent"] = round(100 * (statistics.median(ratios) - 1), 2)
    found["pictures_per_s"] = round(1000 / statistics.median(spent["fdp"]), 3)
    return found


if __name__ == "__main__":
    sys.exit(main())
