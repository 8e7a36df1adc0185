"""Pace by hand, and the file of figures."""

from pathlib import Path

from sightread.lab.journal import Pace
from sightread.lab.scalars import Scalars, read_scalars


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_pace_of_the_last_half_minute() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert (pace.examples_per_s(), pace.seconds_per_step()) == (0, 0)
    for _ in range(4):  # 8 examples in 2 s
        clock.now += 2
        pace.add(8)
    assert (pace.examples_per_s(), pace.seconds_per_step()) == (4, 2)
    clock.now += 28  # one slow step; only what is younger than 30 s counts
    pace.add(8)
    assert (pace.examples_per_s(), pace.seconds_per_step()) == (16 / 30, 15)


def test_rows_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "new" / "scalars.csv"
    scalars = Scalars(path, step=0)
    scalars.add(1, 0.25, {"loss/total": 1 / 3, "metric/a, b": float("nan")})
    scalars.add(2, 0.5, {"loss/total": 1e-30})
    scalars.close()
    rows = read_scalars(path)
    assert rows[0] == (1, 0.25, "loss/total", 1 / 3)
    assert (rows[1][2], rows[1][3] != rows[1][3]) == ("metric/a, b", True)
    assert rows[2] == (2, 0.5, "loss/total", 1e-30)
    assert path.read_text().splitlines()[0] == "step,seconds,tag,value"
    Scalars(path, step=1).close()
    assert [row[0] for row in read_scalars(path)] == [1, 1]
    assert read_scalars(tmp_path / "nowhere") == []
