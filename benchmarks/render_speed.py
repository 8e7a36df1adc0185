"""How many scenes the renderer makes per second on one core.

    python -m benchmarks.render_speed --pictures 1000

Prints one JSON object. Times are processor time of one thread, once the faces and textures are
loaded (`warm_up_s` is what rendering as many pictures for the first time takes). The pictures are
rendered in ten rounds; the calmest round counts, for what else the machine does only slows things
down. `--fonts DIR` and `--backgrounds DIR` may be repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from sightread.errors import UsageError
from sightread.measure.environment import environment
from sightread.synth.scene import OBJECTS, ObjectPlan, ScenePlan, SceneRenderer, WordPlan

WORDS = ("taxi", "hotel", "office", "the", "fish", "open", "bakery", "station", "coffee", "2019")
ROUNDS = 10
CASES = {"160_px_2_words_1_object": (160, 2, 1), "320_px_5_words": (320, 5, 0)}


def main() -> None:
    """Measure both cases."""
    parser = argparse.ArgumentParser(description="Measure the scene renderer.")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--fonts", type=Path, action="append")
    parser.add_argument("--backgrounds", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photos = sorted(path for folder in arguments.backgrounds for path in folder.rglob("*.jpg"))
    start = time.process_time()
    try:
        renderer = SceneRenderer(typefaces=arguments.fonts, backgrounds=photos)
    except UsageError as error:
        raise SystemExit(str(error)) from error
    report: dict[str, object] = {
        "pictures": arguments.pictures,
        "typefaces": len(renderer.typefaces),
        "backgrounds": len(photos),
        "find_typefaces_s": round(time.process_time() - start, 2),
    }
    for name, (size, words, objects) in CASES.items():
        report[name] = measure(renderer, arguments.pictures, size, words, objects)
    report["environment"] = asdict(environment())
    print(json.dumps(report, indent=1))


def measure(
    renderer: SceneRenderer, pictures: int, size: int, words: int, objects: int
) -> dict[str, float]:
    """Processor time per picture in ms, and pictures per second."""
    rng = np.random.default_rng(0)
    plans = [plan(rng, size, words, objects) for _ in range(pictures)]
    start = time.process_time()
    for seed, wanted in enumerate(plans):
        renderer.render(wanted, seed)
    warm_up = time.process_time() - start
    rounds = []
    for first in range(0, pictures, -(-pictures // ROUNDS)):
        times = []
        for seed, wanted in enumerate(plans[first : first + -(-pictures // ROUNDS)], pictures):
            start = time.process_time()
            renderer.render(wanted, seed + first)
            times.append((time.process_time() - start) * 1000)
        rounds.append(times)
    calm = min(rounds, key=np.mean)
    return {
        "cpu_ms_mean": round(float(np.mean(calm)), 2),
        "cpu_ms_p95": round(float(np.percentile(calm, 95)), 2),
        "pictures_per_s_per_core": round(1000 / float(np.mean(calm))),
        "cpu_ms_mean_of_all_rounds": round(
            float(np.mean([t for times in rounds for t in times])), 2
        ),
        "warm_up_s": round(warm_up, 2),
    }


def plan(rng: np.random.Generator, size: int, words: int, objects: int) -> ScenePlan:
    """Random words and things; heights are left to the renderer."""
    written = tuple(WordPlan(WORDS[int(rng.integers(len(WORDS)))]) for _ in range(words))
    drawn = tuple(ObjectPlan([*OBJECTS][int(rng.integers(len(OBJECTS)))]) for _ in range(objects))
    return ScenePlan(size, written, drawn)


if __name__ == "__main__":
    main()
