"""What FDP is measured on and trained on: public data sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.fdp.protocols import ctr, icdar2015, iiit_str, mlt, pstr, svt, totaltext
from sightread.methods.fdp.protocols.annotated import (
    AnnotatedPicture,
    AnnotatedSet,
    Polygon,
    TextPolygon,
)
from sightread.synth.str_benchmark import synth_str
from sightread.tasks import RetrievalTask

__all__ = [
    "BENCHMARKS",
    "TRAINING_SETS",
    "AnnotatedPicture",
    "AnnotatedSet",
    "Benchmark",
    "Polygon",
    "TextPolygon",
    "open_benchmark",
]

Benchmark = Callable[[Path | None], RetrievalTask]
"""Makes the task from the folder of the data set; None for one that is rendered and needs none."""


def _from_disk(name: str, read: Callable[[Path], RetrievalTask], layout: str) -> Benchmark:
    def benchmark(root: Path | None) -> RetrievalTask:
        if root is None:
            raise UsageError(
                f"{name} is read from disk: name its folder with --root; in it: {layout}."
            )
        return read(root)

    return benchmark


BENCHMARKS: Mapping[str, Benchmark] = {
    "iiit-str": _from_disk("iiit-str", iiit_str.iiit_str, iiit_str.LAYOUT),
    "svt": _from_disk("svt", svt.svt, svt.LAYOUT),
    "totaltext": _from_disk("totaltext", totaltext.totaltext, totaltext.LAYOUT),
    "ctr": _from_disk("ctr", ctr.ctr, ctr.LAYOUT),
    "pstr": _from_disk("pstr", pstr.pstr, pstr.LAYOUT),
    "icdar2015": _from_disk("icdar2015", icdar2015.icdar2015, icdar2015.TEST_LAYOUT),
    "mlt-val": _from_disk("mlt-val", mlt.mlt_val, mlt.LAYOUT),
    "synth-str": lambda _: synth_str(),
}

TRAINING_SETS: Mapping[str, Callable[[Path], AnnotatedSet]] = {
    "mlt": mlt.mlt,
    "icdar2015": icdar2015.icdar2015_train,
}


def open_benchmark(name: str, root: Path | None) -> RetrievalTask:
    """The task of this name.

    Raises:
        UsageError: no such name, or the data set is not there or not in its form.
    """
    if name not in BENCHMARKS:
        known = ", ".join(BENCHMARKS)
        raise UsageError(f"There is no benchmark {name!r}; there are: {known}.")
    return BENCHMARKS[name](root)
