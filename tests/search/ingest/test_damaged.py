"""The quick form of the campaign in benchmarks/damaged_index.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.damaged_files import make_damaged
from benchmarks.damaged_index import index_twice, wrong_with

from .conftest import ColourReader


def test_every_damaged_file_is_indexed_or_listed(tmp_path: Path) -> None:
    made = make_damaged(tmp_path / "damaged", count=230, seed=3)
    outcome = index_twice(tmp_path / "library", tmp_path / "damaged", ColourReader())
    assert wrong_with(outcome, made) == []
    assert len(outcome.failed) > 60
    assert len(outcome.indexed) > 60
    lost = replace(outcome, indexed=outcome.indexed[1:])
    assert len(wrong_with(lost, made)) == 1
