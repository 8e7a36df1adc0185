"""The quick form of the campaign in benchmarks/kill_index.py, and that its checks can fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.kill_index import Run, campaign, check_kill, half_there

from sightread.types import RegionRecord

from .conftest import Desk


def test_killed_runs_lose_nothing_and_leave_nothing_half_done(tmp_path: Path) -> None:
    report = campaign(tmp_path, kills=3, seed=1, pool_size=12)
    assert report["wrong"] == []
    assert report["kills"] == 3
    assert report["pictures_without_words"] == 0


def test_losses_and_halves_would_be_noticed(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.index()
    [record] = desk.records()
    library = Path(desk.ledger.path).parent
    reference = {record.id: record}
    assert check_kill(library, reference, {record.id}, Run()) == ({record.id}, [])
    _, wrong = check_kill(library, reference, set(), Run(acknowledged={5}))
    assert wrong == ["acknowledged and lost: [5]"]
    assert check_kill(library, reference, set(), Run(acknowledged={5}, forgotten={5}))[1] == []
    more = (*record.regions, RegionRecord("written", "more", ("more",), 1.0, 1))
    assert len(half_there(reference, {record.id: replace(record, regions=more)})) == 1
    assert len(half_there(reference, {})) == 1
