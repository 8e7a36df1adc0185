"""What the ordering benchmark of HOPID says: which orderings hold, and the tables for people."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.entityclip_ordering import spread

Result = dict[str, Any]
Table = dict[str, list[Result]]

CHANCE = (48.0, 54.0)
"""Swap accuracy of what does not know which word is on what (section 12, 4)."""
_T2I, _T2I_5, _I2T, _I2T_5 = (
    "text_to_image_1",
    "text_to_image_5",
    "image_to_text_1",
    "image_to_text_5",
)
UNBOUND = ("bag of words", "distilling, no prompts", "without binding", "paper")
BOUND = ("full", "without visual prompt", "two passes")


def points(results: Table, row: str, figure: str = _T2I, split: str = "seen") -> list[float]:
    """A figure in percent, by seed; empty where there is no such row."""
    return [one["splits"][split][figure] for one in results.get(row, ())]


def orderings(results: Table) -> list[dict[str, Any]]:
    """The orderings of section 12 on means over the seeds; those whose rows are missing are left
    out. Points are of R@1 from caption to picture on seen words unless it is said."""
    found: list[dict[str, Any]] = []

    def more(name: str, upper: list[float], lower: list[float], margin: float) -> None:
        if upper and lower:
            gains = [a - b for a, b in zip(upper, lower, strict=True)]
            gain = float(np.mean(gains))
            found.append({"name": name, "gain": spread(gains), "holds": gain >= margin})

    def rows(name: str, upper: str, lower: str, margin: float, *figure: str) -> None:
        more(name, points(results, upper, *figure), points(results, lower, *figure), margin)

    rows("1. full > without distilling, by 3", "full", "without distilling", 3)
    lower = "without binding and distilling"
    rows("1. without binding: distilling helps, by 3", "without binding", lower, 3)
    rows("1. that > distilling without prompts, by 5", lower, "distilling, no prompts", 5)
    rows(
        "1. distilling without prompts > image only, by 2",
        "distilling, no prompts",
        "image only",
        2,
    )
    rows("2. full > without text prompt, by 10", "full", "without text prompt", 10)
    unprompted, image = (
        points(results, row, _T2I, "unseen") for row in ("without text prompt", "image only")
    )
    more("2. unseen: without text prompt <= image only + 3", image, unprompted, -3)
    lower = "without text prompt, by vocabulary"
    rows("2. by vocabulary: full > without text prompt, by 10", "full, by vocabulary", lower, 10)
    unprompted = points(results, lower, _T2I, "unseen")
    name = "2. by vocabulary, unseen: without text prompt <= image only + 3"
    more(name, image, unprompted, -3)
    marked = "image only, marked"
    rows("3. image only: marks help, by 0.5", marked, "image only", 0.5)
    rows("3. image only: marks help R@5, by 2", marked, "image only", 2, _T2I_5)
    unmarked = "without visual prompt"
    rows("3. unseen: full > without visual prompt, by 1.5", "full", unmarked, 1.5, _T2I, "unseen")
    _swaps(found, results)
    rows("5. unseen: image only > bag of words", "image only", "bag of words", 0, _T2I, "unseen")
    _fallback(found, results)
    return found


def _swaps(found: list[dict[str, Any]], results: Table) -> None:
    """4: without binding nothing tells which word is on what."""
    for row in (row for row in UNBOUND if row in results):
        values = points(results, row, "swap")
        holds = CHANCE[0] <= float(np.mean(values)) <= CHANCE[1]
        found.append({"name": f"4. swap, {row}: 48 to 54", "gain": spread(values), "holds": holds})
    for row in (row for row in BOUND if row in results):
        for split in ("seen", "unseen"):
            values = points(results, row, "swap", split)
            holds = float(np.mean(values)) > 65
            name = f"4. swap, {row}, {split}: above 65"
            found.append({"name": name, "gain": spread(values), "holds": holds})


def _fallback(found: list[dict[str, Any]], results: Table) -> None:
    """6: pictures without text are plain CLIP's; what is not a correction of it pays for them."""
    away = [one["away from CLIP without text"] for one in results.get("full", ())]
    if away:
        name = "6. text-free: full is plain CLIP, difference of vectors"
        found.append({"name": name, "gain": spread(away), "holds": max(away) < 1e-6})
    paper, image = (points(results, row, _T2I, "text-free") for row in ("paper", "image only"))
    if paper and image:
        gains = [b - a for a, b in zip(paper, image, strict=True)]
        name = "6. text-free: paper loses 2 against image only"
        found.append({"name": name, "gain": spread(gains), "holds": float(np.mean(gains)) >= 2})


def printed(report: dict[str, Any]) -> str:
    """Table, orderings and curves, for people."""
    width = max(map(len, report["rows"]))
    columns = (
        ("seen t2i", "seen", _T2I, _T2I_5),
        ("seen i2t", "seen", _I2T, _I2T_5),
        ("unseen t2i", "unseen", _T2I, _T2I_5),
        ("unseen i2t", "unseen", _I2T, _I2T_5),
        ("text-free t2i", "text-free", _T2I, _T2I_5),
    )
    lines = ["R@1 ± spread over the seeds / R@5, and swap accuracy, in percent", ""]
    head = "".join(f"  {name:>18}" for name, *_ in columns)
    lines.append(" " * width + head + f"  {'swap seen':>14}  {'swap unseen':>14}")
    for row, told in report["rows"].items():
        cells = "".join(f"  {_both(told[split], *names):>18}" for _, split, *names in columns)
        swaps = "".join(f"  {cell(told[split]['swap']):>14}" for split in ("seen", "unseen"))
        lines.append(f"{row:<{width}}{cells}{swaps}")
    lines.append("")
    for one in report["orderings"]:
        verdict = "holds" if one["holds"] else "DOES NOT HOLD"
        lines.append(f"{one['name']}: {gained(one['gain'])}, {verdict}")
    for row, kinds in report["curves"].items():
        lines += ["", f"{row}, seen, t2i R@1 with wrong readings on top of the reader's own:"]
        for mistake, shares in kinds.items():
            steps = ", ".join(
                f"{round(100 * float(share))} %: {cell(one[_T2I])}" for share, one in shares.items()
            )
            lines.append(f"  {mistake}: {steps}")
    return "\n".join(lines)


def _both(told: dict[str, Any], first: str, second: str) -> str:
    return f"{cell(told[first])} / {told[second]['mean']:.1f}"


def cell(value: dict[str, Any]) -> str:
    """`44.6 ± 1.2`."""
    return f"{value['mean']:.1f} ± {value['spread']:.1f}"


def gained(gain: dict[str, Any]) -> str:
    """`+3.1 ± 0.4 (+3.0, +3.5, +2.8)`."""
    by_seed = ", ".join(f"{value:+.1f}" for value in gain["by_seed"])
    return f"{gain['mean']:+.1f} ± {gain['spread']:.1f} ({by_seed})"
