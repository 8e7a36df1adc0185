"""What the studies have in common: arguments, the table, the JSON, the figure."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch

from benchmarks.tables import say as say
from benchmarks.tables import table as table
from sightread.errors import SightreadError
from sightread.measure.environment import environment

Line = tuple[Sequence[float], Sequence[float | None], Sequence[float | None] | None]
"""x, y, and how far each y is uncertain (None: a level, drawn dashed)."""
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Figure:
    """What to draw: lines over numbers, or bars of several series over names."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Line] = field(default_factory=dict)
    bars: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """Series -> name -> height."""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a study found. `rows` have the keys of `columns`; numbers that do not exist are None.
    `models` is name -> revision or digest; `found` is what a row cannot hold."""

    study: str
    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    models: Mapping[str, str]
    figure: Figure
    found: Mapping[str, Any] = field(default_factory=dict)


def arguments(about: str) -> ArgumentParser:
    """A parser with what every study takes. `about` is its docstring."""
    parser = ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--seeds", type=natural, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=positive, default=1, help="of torch")
    parser.add_argument("--out", type=Path, help="file for the result as JSON")
    parser.add_argument("--figure", type=Path, help="file for the figure, PNG")
    return parser


def positive(text: str) -> int:
    """A count of an argument: 1 or more."""
    value = int(text)
    if value < 1:
        raise ArgumentTypeError(f"{value} is below 1")
    return value


def natural(text: str) -> int:
    """A seed or count of an argument: 0 or more."""
    value = int(text)
    if value < 0:
        raise ArgumentTypeError(f"{value} is below 0")
    return value


def run(study: Callable[[Namespace], Report], parser: ArgumentParser) -> int:
    """Parse, study, print; the exit status."""
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    began = time.monotonic()
    try:
        for path in filter(None, (asked.out, asked.figure)):  # now, not after the work
            path.parent.mkdir(parents=True, exist_ok=True)
        report = study(asked)
        deliver(report, asked, time.monotonic() - began)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The result cannot be written: {error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 130
    return 0


def deliver(report: Report, asked: Namespace, seconds: float) -> None:
    """The table to standard output, the rest to the files that were asked for."""
    print(table(report.columns, report.rows))
    for name, value in report.found.items():
        print(f"{name}: {short(value)}")
    if asked.out:
        # Not the model's place: its digest names it.
        apart = ("checkpoint", "encoder", "out", "figure")
        settings = {name: value for name, value in vars(asked).items() if name not in apart}
        data = {
            "study": report.study,
            "rows": [dict(row) for row in report.rows],
            **report.found,
            "models": dict(report.models),
            "settings": settings,
            "seconds": round(seconds, 1),
            **asdict(environment()),
        }
        asked.out.write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    if asked.figure:
        draw(report.figure, asked.figure)


def short(value: object) -> str:
    """A value for reading: of long lists the beginning."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {short(one)}" for name, one in value.items())
    if isinstance(value, list):
        rest = len(value) - _SHOWN
        return " ".join(map(str, value[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")
    return str(value)


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (0 for a single value), to four places."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return round(float(np.mean(values)), 4), round(spread, 4)


def number(value: float) -> float | None:
    """Four places; None for what is not a number, which JSON cannot say."""
    return round(float(value), 4) if math.isfinite(value) else None


def draw(figure: Figure, path: Path) -> None:
    """Write the figure as PNG."""
    mpl.use("Agg")
    from matplotlib import pyplot

    drawn, axes = pyplot.subplots(figsize=(7, 4.2), dpi=120)
    for name, (xs, ys, errors) in figure.lines.items():
        heights = [math.nan if y is None else y for y in ys]
        if errors is None:  # a level to compare with
            axes.plot(list(xs), heights, linestyle="--", label=name)
            continue
        around = [error or 0.0 for error in errors]
        axes.errorbar(list(xs), heights, yerr=around, marker="o", capsize=3, label=name)
    if figure.lines:
        axes.set_ylim(bottom=0)
    names = list(dict.fromkeys(name for bars in figure.bars.values() for name in bars))
    width = 0.8 / max(1, len(figure.bars))
    for at, (series, bars) in enumerate(figure.bars.items()):
        places = np.arange(len(names)) + (at - (len(figure.bars) - 1) / 2) * width
        heights = [math.nan if (y := bars.get(name)) is None else y for name in names]
        axes.bar(places, heights, width, label=series)
    if names:
        axes.set_xticks(np.arange(len(names)), names, rotation=30, ha="right")
        axes.axhline(0, color="black", linewidth=0.8)
    if figure.log:
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set(title=figure.title, xlabel=figure.across, ylabel=figure.up)
    axes.legend()
    drawn.savefig(path, bbox_inches="tight", metadata={"Software": None})
    pyplot.close(drawn)
