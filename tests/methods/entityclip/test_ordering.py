"""`benchmarks.entityclip_ordering`: its arithmetic by hand, and one row from model to figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.entityclip_small import (
    PAPER,
    PLAIN,
    ROWS,
    SINGLE,
    TOP,
    WEIGHTS,
    Draw,
    Plan,
    best_weight,
    hits,
    measure,
    open_matcher,
    plain_ranks,
    recipe,
    reranked_ranks,
    steps,
)

from benchmarks import entityclip_ordering as ordering
from sightread.synth.entities import EntitySettings, build_entities
from tests.methods.entityclip.conftest import FEW

PLAN = Plan(Path("work"), Path("clip"), 1, FEW, 3, 2)


def result(plain: float, told: float = 0.0, fused: float = 0.0, new: float = 0.0) -> dict[str, Any]:
    """R@1 in percent: plain, of told entities (plain and +E), +E, +E re-ranked."""
    modes = {
        "plain": {"all": plain / 100, "told": told / 100},
        "+E": {"all": fused / 100, "told": told / 100},
        "+E, re-ranked": {"all": new / 100, "told": told / 100},
    }
    return {"modes": modes, "weights": {}, "seconds": 1.0}


def test_orderings_by_hand() -> None:
    table = {
        "zero-shot": [result(1), result(2)],
        "fine-tuned CLIP": [result(20, 1, 30), result(22, 2, 32)],
        "paper": [result(20, 3, 30, 40), result(20, 3, 24, 40)],
        "plus": [result(26, 21, 50, 60), result(24, 22, 50, 62)],
    }
    held = {one["name"]: one for one in ordering.orderings(table)}
    # (a): gains 10 and 4 on average are 7, above 5. There is none for zero-shot.
    assert held["(a) paper: +E > plain by 5"]["gain"]["by_seed"] == [10, 4]
    assert sum(name.startswith("(a)") for name in held) == 3
    assert all(one["holds"] for name, one in held.items() if name[1] in "abce")
    assert held["(b) fine-tuned CLIP, plain, told: below 2"]["gain"]["mean"] == 0.5
    assert held["(c) plus: re-ranked > not, by 5"]["gain"]["mean"] == 11
    # (d): 25 against 21 is above 3; (e): 61 against 40 above 10.
    assert held["(d) plus > fine-tuned CLIP, plain, by 3"]["gain"]["mean"] == 4
    assert held["(e) plus > paper, re-ranked, by 10"]["gain"]["mean"] == 21
    links = ordering.chain(table)
    assert [one["name"] for one in links] == [
        "paper > fine-tuned CLIP",
        "fine-tuned CLIP > zero-shot",
    ]
    assert [one["gain"]["mean"] for one in links] == [-1, 19.5]


def test_an_ordering_that_fails_is_said_to() -> None:
    table = {"fine-tuned CLIP": [result(20, 2.5, 24)]}
    held = ordering.orderings(table)
    assert [one["holds"] for one in held] == [False, False]
    report = {
        "rows": {"fine-tuned CLIP": ordering.summary(table["fine-tuned CLIP"])},
        "orderings": held,
        "chain": [],
    }
    text = ordering.printed(report)
    assert "(a) fine-tuned CLIP: +E > plain by 5: +4.0 ± 0.0 (+4.0), DOES NOT HOLD" in text
    assert "20.0 ± 0.0" in text
    assert "- / - / 2.5" in text


def test_hits_by_group() -> None:
    groups = np.array(["head", "head", "told", "told"])
    found = hits(np.array([1, 6, 1, 5]), groups)
    assert found == {"all": 0.5, "all at 5": 0.75, "head": 0.5, "told": 0.5}


def drawn() -> Draw:
    """30 pictures in a plane; the caption of each is a little nearer to its neighbour, and the head
    is sure of the right one for even numbers, of another one for odd ones."""
    angles = np.arange(30) * 0.1
    images = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    turned = angles + 0.06
    texts = np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float32)
    first = np.argsort(texts @ images.T, axis=1, kind="stable")[:, ::-1][:, :TOP]
    sure = np.where(np.arange(30) % 2 == 0, np.arange(30), (np.arange(30) + 1) % 30)
    odds = np.where(first == sure[:, None], 5.0, -5.0).astype(np.float32)
    shown = build_entities(replace(FEW, head=20, tail=5, told=5)).shown("test")
    return Draw(shown, images, {"plain": texts}, {"plain": odds})


def test_re_ranking_moves_what_the_head_is_sure_of() -> None:
    draw = drawn()
    ranks, _ = plain_ranks(draw, "plain")
    assert ranks[:-1].tolist() == [2] * 29  # the next one is nearer
    assert ranks[-1] == 1  # the last has no next one
    cosines_alone = reranked_ranks(draw, "plain", 10.0, 0.0)
    assert cosines_alone.tolist() == ranks.tolist()
    new = reranked_ranks(draw, "plain", 10.0, 0.5)
    assert new[:-1:2].tolist() == [1] * 15
    assert (new[1:-1:2] == 2).all()
    assert best_weight(draw, "plain", 10.0) == WEIGHTS[0]


def test_what_is_not_among_the_first_keeps_its_rank() -> None:
    draw = drawn()
    far = draw.queries["plain"].copy()
    far[0] = draw.images[29]
    changed = Draw(draw.shown, draw.images, {"plain": far}, draw.odds)
    assert (
        reranked_ranks(changed, "plain", 10.0, 1.0)[0] == plain_ranks(changed, "plain")[0][0] == 30
    )


def test_the_rows_are_what_they_are_called() -> None:
    assert not PLAIN.branch
    assert ROWS["paper"] == PAPER
    assert len({str(one) for one in (*ROWS.values(), *SINGLE.values())}) == len(ROWS) + len(SINGLE)
    assert not ROWS["paper without GI-ITM"].matching
    assert not ROWS["plus"].image_sees_explanation
    assert recipe(PLAN, PAPER).entities.seed == 1
    # 640 pairs make ten batches of 64; the few of the test are one batch.
    assert steps(replace(PLAN, entities=EntitySettings())) == 30
    assert steps(PLAN) == 3


def test_a_row_is_measured_in_every_mode(entity_model: Path) -> None:
    matcher = open_matcher(entity_model)
    found = measure(PLAN, PAPER, matcher, matcher)
    assert found["modes"].keys() == {"plain", "+E", "plain, re-ranked", "+E, re-ranked"}
    for figures in found["modes"].values():
        assert {"all", "all at 5", "head", "tail", "told"} <= figures.keys()
        assert all(0 <= value <= 1 for value in figures.values())
    assert set(found["weights"].values()) <= set(WEIGHTS)
    again = measure(PLAN, PAPER, matcher, None)
    assert again["modes"].keys() == {"plain", "+E"}
    assert again["modes"]["plain"] == found["modes"]["plain"]
    # Without explanations there is nothing to add.
    alone = measure(PLAN, replace(PAPER, explanations="none"), matcher, None)["modes"]
    assert alone["+E"] == alone["plain"] == found["modes"]["plain"]


@pytest.mark.parametrize("row", ["paper", "zero-shot"])
def test_a_job_names_the_row_and_the_seed(row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["ordering", "--epochs", "2", "--work", "w"])
    job = ordering._job(ordering._arguments(), Path("c"), 2, row)
    assert job[job.index("--row") + 1] == row
    assert job[job.index("--seeds") + 1] == "2"
    assert job[job.index("--epochs") + 1] == "2"
