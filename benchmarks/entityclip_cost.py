"""What re-ranking with EntityCLIP's matching head costs, in processor time of one thread.

    python -m benchmarks.entityclip_cost --backbone ViT-B-32

The weights are random: they do not change the time. Measured are the exported head on the tokens of
so many pictures, as they are kept in half precision, and the text tower on caption and explanation,
which a search by the caption alone runs once, for one text.
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

import numpy as np
import torch

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.encoders.onnx import load_graph
from sightread.lab.export_matcher import export_matcher
from sightread.lab.graphs import to_onnx
from sightread.measure.environment import environment
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.entityclip.towers import ImageTower, Matcher, TextTower


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default="ViT-B-32")
    parser.add_argument("--pictures", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--out", type=Path, help="file for the result as JSON")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    report = {**measure(asked.backbone, asked.pictures, asked.repeats), **asdict(environment())}
    text = json.dumps(report, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")
    return 0


def measure(backbone: str, pictures: list[int], repeats: int) -> dict[str, object]:
    """Milliseconds of processor time, medians, and the size of what is kept of a picture."""
    torch.manual_seed(0)
    config = CONFIGS[backbone]
    model = EntityCLIP(CLIP(config), EntityClipConfig(backbone=backbone)).eval()
    size, vocabulary = config.vision.image_px, config.text.vocab_size
    ids = torch.zeros(2, config.text.context_length, dtype=torch.int64)
    ids[:, :12] = torch.randint(1, vocabulary - 1, (2, 12))
    ids[:, 12] = vocabulary - 1
    with torch.no_grad():
        rows = ImageTower(model)(torch.randn(2, 3, size, size))[1].numpy()
        texts = TextTower(model)(ids)[1].numpy()
    graph, _ = export_matcher(Matcher(model).eval(), rows, texts, ids.numpy())
    match = load_graph(graph, Path("match.onnx"), 1)
    read = load_graph(
        to_onnx(TextTower(model).eval(), ids, "ids", ("embeddings", "tokens")), Path("text.onnx"), 1
    )
    kept = np.repeat(rows[:1], max(pictures), axis=0).astype(np.float16)
    plain = ids.numpy()
    parts = (texts[:1], plain[:1], texts[1:], plain[1:])

    def head(count: int) -> Callable[[], object]:
        return lambda: match(kept[:count].astype(np.float32), *parts)

    return {
        "backbone": backbone,
        "head_ms": {count: median_ms(head(count), repeats) for count in pictures},
        "two_texts_ms": median_ms(lambda: read(plain), repeats),
        "one_text_ms": median_ms(lambda: read(plain[:1]), repeats),
        "bytes_per_picture": int(kept[0].nbytes),
        "head_megabytes": round(len(graph) / 2**20, 1),
        "repeats": repeats,
    }


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Of processor time, after one run to warm up."""
    work()
    spent: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - began))
    return round(statistics.median(spent), 2)


if __name__ == "__main__":
    sys.exit(main())
