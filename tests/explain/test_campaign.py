"""The campaign against the endpoint, small: nothing lost, nothing asked twice, kills survived."""

from __future__ import annotations

from pathlib import Path

from benchmarks.explain_faults import run_campaign


def test_a_small_campaign(tmp_path: Path) -> None:
    found = run_campaign(tmp_path / "book.sqlite", 60, share=0.2, kills=1, at_once=16, seed=1)
    assert found["wrong"] == []
    assert found["explained"] == 60
    assert found["kills"] == 1
    assert sum(found["faults"].values()) > 5
    assert found["answered_twice"] <= 16
