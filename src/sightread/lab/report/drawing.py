"""The figures of reports as PNG: rows of pictures, points, bars, tables of numbers.

Right is green with a check mark, wrong is red with a cross: the colour alone never says it. Texts
are drawn as they are; nothing in them is taken for a formula.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.lab.report.page import clean
from sightread.types import RGBImage

RIGHT, WRONG, QUIET = "#1a7f37", "#b42318", "#666666"
COLOURS = ("#1f6feb", "#d9822b", "#6f42c1", "#2a9d8f", "#c2255c", "#8a6d3b")
_MARKERS = ("o", "^", "s", "D", "v", "P")
_LABEL = 24
"""Characters of a line below a picture."""
_TEXT = 21
"""Of a line in the place of one."""
_HEAD = 22
"""Of a line above a row, for each picture in it."""
_DPI = 110


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture, or a text, with what stands below it. `right` says whether it is an answer."""

    pixels: RGBImage | None = None
    label: str = ""
    right: bool | None = None


def tiles(rows: Sequence[Sequence[Tile]], heads: Sequence[str] = ()) -> bytes:
    """Rows of tiles.

    Args:
        heads: what stands above each row.
    """
    across = max(map(len, rows))
    said = any(tile.label for line in rows for tile in line if tile.pixels is not None)
    high = 1.3 if said else 1.02
    tall = high + (0.2 if heads else 0.0)
    with _drawn(1.75 * across, 1.75 * tall * len(rows), whole=True) as (axes, out):
        axes.set(xlim=(-0.03, across), ylim=(len(rows) * tall, -0.03))
        axes.axis("off")
        for row, line in enumerate(rows):
            top = row * tall + tall - high
            if heads:
                head = clean(heads[row], _HEAD * across)
                axes.text(0.02, top - 0.03, head, va="bottom", fontsize=9)
            for at, tile in enumerate(line):
                _tile(axes, tile, at, top)
    return out.getvalue()


def _tile(axes: Any, tile: Tile, left: float, top: float) -> None:
    from matplotlib.patches import Rectangle

    size = 0.94
    mark = {None: "", True: "\u2713 ", False: "\u2717 "}[tile.right]
    colour = {None: QUIET, True: RIGHT, False: WRONG}[tile.right]
    label = "\n".join(textwrap.wrap(mark + clean(tile.label, 3 * _LABEL), _LABEL)[:3])
    if tile.pixels is None:
        label = "\n".join(textwrap.wrap(mark + clean(tile.label, 150), _TEXT)[:7])
        axes.text(left + 0.04, top + 0.05, label, va="top", fontsize=8, color=colour)
        return
    height, width = tile.pixels.shape[:2]
    scale = size / max(height, width)
    box = (left, left + width * scale, top + height * scale, top)
    axes.imshow(tile.pixels, extent=box, interpolation="bilinear", aspect="auto", zorder=1)
    if tile.right is not None:
        frame = Rectangle(
            (left, top), width * scale, height * scale, fill=False, color=colour, linewidth=2.5
        )
        axes.add_patch(frame)
    axes.text(left, top + height * scale + 0.03, label, va="top", fontsize=7.5, color=colour)


def points(
    groups: Mapping[str, NDArray[np.float64]],
    *,
    names: Sequence[tuple[float, float, str]] = (),
    links: NDArray[np.float64] | None = None,
    axes_names: tuple[str, str] | None = None,
    log: bool = False,
) -> bytes:
    """Points (n, 2) of each group.

    Args:
        names: texts at places.
        links: (m, 2, 2), lines from one point to another one.
        axes_names: what is across and what is up; without them the numbers mean nothing and are
            not shown.
        log: logarithmic axes from 1 on, with the diagonal.
    """
    with _drawn(7.5, 5.5) as (axes, out):
        for start, end in links if links is not None else ():
            axes.plot(*zip(start, end, strict=True), color="#bbbbbb", linewidth=0.6, zorder=0)
        for at, (name, found) in enumerate(groups.items()):
            style = {"color": COLOURS[at % 6], "marker": _MARKERS[at % 6]}
            axes.scatter(found[:, 0], found[:, 1], s=22, alpha=0.75, label=clean(name, 40), **style)
        for x, y, text in names:
            axes.annotate(clean(text, 24), (x, y), fontsize=7.5, xytext=(3, 3),
                          textcoords="offset points")  # fmt: skip
        if axes_names is None:
            axes.set(xticks=[], yticks=[])
        else:
            axes.set(xlabel=axes_names[0], ylabel=axes_names[1])
        if log:
            axes.set(xscale="log", yscale="log")
            axes.axline((1, 1), (10, 10), color=QUIET, linewidth=0.8)
        axes.legend(fontsize=8)
    return out.getvalue()


def bars(
    series: Mapping[str, Mapping[str, tuple[float, float]]], up: str, level: float | None = None
) -> bytes:
    """Series -> name -> height and spread, side by side over the names.

    Args:
        up: what the heights are.
        level: a dashed line.
    """
    names = list(dict.fromkeys(name for one in series.values() for name in one))
    width = 0.8 / max(1, len(series))
    with _drawn(max(6.0, 0.55 * len(names) + 2), 3.6) as (axes, out):
        for at, (label, found) in enumerate(series.items()):
            places = np.arange(len(names)) + (at - (len(series) - 1) / 2) * width
            heights = [found.get(name, (np.nan, 0.0)) for name in names]
            axes.bar(
                places,
                [mean for mean, _ in heights],
                width,
                yerr=[spread for _, spread in heights],
                capsize=2,
                color=COLOURS[at % 6],
                label=clean(label, 40),
            )
        if level is not None:
            axes.axhline(level, color=QUIET, linestyle="--", linewidth=0.9)
        axes.set_xticks(np.arange(len(names)), [clean(one, 24) for one in names], rotation=30,
                        ha="right", fontsize=8)  # fmt: skip
        axes.set_ylabel(up)
        axes.legend(fontsize=8)
    return out.getvalue()


def cells(
    values: NDArray[np.float64], texts: Sequence[Sequence[str]], rows: Sequence[str], what: str
) -> bytes:
    """A table whose cells are the darker the larger their value; NaN is left white.

    Args:
        values: (r, c).
        texts: what stands in the cells.
        rows: what stands before the rows.
        what: what the colour means.
    """
    count, across = values.shape
    with _drawn(1.0 * across + 2.6, 0.42 * count + 1.0) as (axes, out):
        drawn = axes.imshow(np.ma.masked_invalid(values), cmap="Blues", aspect="auto")
        middle = float(np.nanmean([np.nanmin(values), np.nanmax(values)]))
        for row in range(count):
            for at, text in enumerate(texts[row]):
                colour = "white" if values[row, at] > middle else "black"
                axes.text(at, row, clean(text, 13), ha="center", va="center", fontsize=7,
                          color=colour)  # fmt: skip
        axes.set_xticks([])
        axes.set_yticks(np.arange(count), [clean(one, 34) for one in rows], fontsize=8)
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.9)
        bar.set_label(what, fontsize=8)
    return out.getvalue()


@contextmanager
def _drawn(width: float, height: float, whole: bool = False) -> Iterator[tuple[Any, io.BytesIO]]:
    """Axes to draw on, and where the PNG will be.

    Args:
        width, height: of the figure in inches.
        whole: the axes take all of it, and nothing stands beside them.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    out = io.BytesIO()
    with mpl.rc_context({"text.parse_math": False, "text.usetex": False}):
        figure = Figure(figsize=(width, height), dpi=_DPI)
        FigureCanvasAgg(figure)
        yield figure.add_axes((0, 0, 1, 1)) if whole else figure.add_subplot(), out
        with warnings.catch_warnings():
            # A letter that the font lacks becomes a box, which is all that can be done.
            warnings.filterwarnings("ignore", message="Glyph")
            box = None if whole else "tight"
            figure.savefig(out, format="png", bbox_inches=box, metadata={"Software": None})
