"""The published table, against facts that do not depend on how it is written down."""

from __future__ import annotations

import pytest

from sightread.errors import UsageError
from sightread.methods.fdp.data import BENCHMARKS, open_benchmark
from sightread.methods.fdp.published import ROWS, SIZES, rows_for


def cell(method: str, benchmark: str) -> float:
    (row,) = [row for row in rows_for(benchmark) if row.method == method]
    return row.map_percent[benchmark]


def test_the_differences_that_the_papers_state() -> None:
    # The abstract: 4.37 above the best method before it, at four times its speed (IIIT-STR).
    gain = cell("FDP-S", "iiit-str") - cell("Wen et al. 2023", "iiit-str")
    assert gain == pytest.approx(4.37)
    speed = {row.method: row.fps for row in rows_for("iiit-str")}
    assert speed["FDP-S"] is not None
    assert speed["Wen et al. 2023"] is not None
    assert speed["FDP-S"] / speed["Wen et al. 2023"] == pytest.approx(4.1, abs=0.01)
    # "Better or competitive": neither SVT nor TotalText is won.
    assert cell("FDP-L", "svt") == pytest.approx(cell("Wen et al. 2023", "svt") - 1.32)
    assert cell("FDP-L", "totaltext") == pytest.approx(cell("Wen et al. 2023", "totaltext") - 0.91)


def test_what_is_not_known_has_no_number() -> None:
    assert {row.method for row in rows_for("totaltext")} & {"FDP-S", "FDP-B"} == set()
    assert not [row for row in rows_for("ctr") if row.method.startswith("FDP")]
    assert len(rows_for("pstr")) == 5
    assert rows_for("icdar2015") == rows_for("mlt-val") == rows_for("nonsense") == ()


def test_every_row_is_about_benchmarks_that_can_be_run() -> None:
    named = {name for row in ROWS for name in row.map_percent}
    assert named == set(SIZES)
    assert named <= set(BENCHMARKS)
    assert all(0 < value < 100 for row in ROWS for value in row.map_percent.values())


def test_unknown_benchmarks_and_missing_folders_are_one_sentence() -> None:
    on_disk = ("iiit-str", "svt", "totaltext", "ctr", "pstr", "icdar2015", "mlt-val")
    with pytest.raises(
        UsageError, match=f"no benchmark 'coco'; there are: {', '.join(on_disk)}, synth-str"
    ):
        open_benchmark("coco", None)
    for name in on_disk:
        with pytest.raises(
            UsageError, match=rf"{name} is read from disk: name its folder with --r"
        ):
            open_benchmark(name, None)
