"""The studies of FDP: their arithmetic by hand, their galleries, and each command once."""

import json
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from benchmarks.fdp_small import TINY
from benchmarks.fdp_studies import (
    attributes,
    clusters,
    edits,
    galleries,
    hardness,
    height,
    noise,
    prompts,
)
from benchmarks.fdp_studies.models import Opened, open_fdp, open_text_side, text_features
from benchmarks.fdp_studies.report import deliver, table

from sightread.errors import UsageError
from sightread.lab.evaluate import evaluate
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.fdp.queries import fit_clusters, nearest_cluster
from sightread.methods.fdp.recipe import FDP_METHOD, FdpRecipe
from sightread.synth.plans import PLAIN, DrawnObject, Scene, WrittenWord
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import StrSettings, build
from sightread.synth.str_plans import Asked
from sightread.synth.vocabulary import content_words, every_word

SMALL = StrSettings(size_px=96, queries=2, positives=2, distractors=1, others=3, groups=("seen",))
SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))

ALL: list[tuple[ModuleType, list[str]]] = [
    (height, ["--sizes", "64", "96", "--heights", "16", "32", "--queries", "2", "--others", "2"]),
    (noise, ["--shares", "0", "1", "--queries", "2", "--others", "2", "--groups", "seen"]),
    (clusters, []),
    (edits, []),
    (hardness, ["--queries", "2", "--positives", "1", "--distractors", "1", "--size", "96"]),
    (attributes, ["--queries", "1", "--others", "2", "--size", "96"]),
    (prompts, ["--queries", "1", "--others", "2"]),
]


# --- every command ---------------------------------------------------------------------------


@pytest.mark.parametrize(("study", "words"), ALL, ids=lambda one: getattr(one, "__name__", ""))
def test_a_study_gives_a_table_a_file_and_a_figure(
    study: Any,
    words: list[str],
    fdp_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, figure = tmp_path / "found.json", tmp_path / "found.png"
    own = ["--checkpoint", str(fdp_run), "--out", str(out), "--figure", str(figure)]
    asked: Namespace = study.parser().parse_args([*own, "--seeds", "1", *words])
    report = study.study(asked)
    deliver(report, asked, 1.0)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[0] == report.columns[0].split()[0]
    assert len(printed) == 2 + len(report.rows) + len(report.found)
    found = json.loads(out.read_text(), parse_constant=pytest.fail)  # no NaN
    assert found["rows"] == [dict(row) for row in report.rows]
    assert found["settings"]["seeds"] == [1]
    assert {"commit", "processor", "cores", "seconds", "models"} <= found.keys()
    assert str(fdp_run) not in out.read_text()
    assert all(0 < row["mAP"] <= 1 for row in found["rows"] if "mAP" in row)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.fdp_studies.edits", "--encoder", str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"There is no model in {tmp_path}")
    assert len(answer.stderr.splitlines()) == 1


def test_the_table_is_aligned() -> None:
    rows: list[dict[str, Any]] = [{"map": "truth", "mAP": 0.5}, {"map": "x", "mAP": None}]
    assert table(("map", "mAP"), rows) == "map      mAP\n------------\ntruth  0.500\nx          -"


# --- models and galleries --------------------------------------------------------------------


def test_another_input_size_resizes_the_learned_table_alone(opened: Opened) -> None:
    opened = opened.at(96)  # a copy
    with torch.no_grad():  # a table that rises from left to right, unlike CLIP's
        opened.model.positions[1:] = torch.arange(6.0).repeat(6)[:, None]
    larger = opened.at(192)
    assert larger.preprocess.size_px == 192
    assert torch.equal(larger.model.positions[0], opened.model.positions[0])
    grid = larger.model.positions[1:, 0].view(12, 12)
    # Twice the cells: the middle ones are at 2.25 and 2.75 of 0 .. 5, the same in every row. At
    # 2.25 the cubic weights (a = -0.75) of 1, 2, 3, 4 are -27, 225, 67, -9 of 256: 2.296875.
    torch.testing.assert_close(grid[:, 5:7], torch.tensor([[2.296875, 2.703125]]).expand(12, 2))
    same = opened.at(96)
    picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    np.testing.assert_array_equal(
        same.encode_images([picture])[0].vector, opened.encode_images([picture])[0].vector
    )
    with pytest.raises(UsageError, match="multiple of 16"):
        opened.at(100)


def test_bare_texts_have_no_prompt(opened: Opened) -> None:
    words = ["taxi", "the"]
    bare = opened.encode_bare(words)
    features = text_features(opened.model.clip, opened.tokenizer, words)
    np.testing.assert_allclose(bare, F.normalize(features, dim=-1).numpy(), atol=1e-6)
    assert (np.linalg.norm(bare - opened.encode_texts(words), axis=1) > 0.01).all()


def test_scores_and_mean_precision() -> None:
    queries = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    gallery = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], np.float32)
    found = galleries.scores(queries, gallery)
    np.testing.assert_allclose(found, [[1.0, 0.8, 0.0], [0.0, 0.6, 1.0]])
    # First: b is second, 1/2. Second: c and b are first and second, 1.
    right = [frozenset("b"), frozenset("bc")]
    assert galleries.mean_precision(found, "abc", right) == pytest.approx(0.75)


def test_a_word_that_cannot_fit_is_an_error() -> None:
    wide = galleries.Picture("restaurant", 60.0, 0)
    with pytest.raises(UsageError, match="cannot hold 'restaurant'"):
        galleries.render(SceneRenderer(PLAIN), wide, 64)


# --- height ----------------------------------------------------------------------------------


def test_half_height_by_hand() -> None:
    # Half of 1.0 is three quarters of the way from 0.2 to 0.6: 8 * 2 ** 0.75 = 13.4543.
    assert height.half_height([8, 16, 32], [0.2, 0.6, 1.0]) == pytest.approx(13.4543)
    assert height.half_height([8, 16, 32], [0.6, 0.8, 1.0]) is None
    # It dips below once more: the last rise before the best counts, half way from 0.4 to 0.6.
    assert height.half_height([4, 8, 16, 32], [0.1, 0.7, 0.4, 1.0]) == pytest.approx(
        16 * 2 ** (0.1 / 0.6), abs=1e-4
    )
    # Too large to be read does not matter.
    assert height.half_height([8, 16, 32], [0.5, 1.0, 0.1]) is None


def test_every_height_shows_the_same_words() -> None:
    asked = height.parser().parse_args(["--checkpoint", "x", "--queries", "3", "--sizes", "64"])
    small, large = (height.gallery(asked, px, seed=2) for px in (8.0, 32.0))
    assert small.queries == large.queries
    assert small.qrels == large.qrels
    assert {len(word) for word in small.queries} == {3}
    assert all(len(right) == asked.positives for right in small.qrels.values())


# --- noise -----------------------------------------------------------------------------------


def test_the_map_is_all_that_changes(opened: Opened) -> None:
    gallery = noise.prepare(opened, SMALL)
    rows = dict(noise.maps(gallery, [0.0, 0.5, 1.0], seed=1))
    found = {name: noise.quality(opened, gallery, wrong) for name, wrong in rows.items()}
    assert found["truth"] == found["truth, 0% of cells flipped"]
    assert found["complement of the truth"] == found["truth, 100% of cells flipped"]
    # With its own map the model is as it serves.
    assert found["learned"] == pytest.approx(evaluate(opened, build(SMALL).task).map, abs=1e-6)


def test_text_everywhere_is_no_shift(opened: Opened) -> None:
    grid = opened.model.grid(torch.randn(3, 3, 96, 96, generator=torch.Generator().manual_seed(0)))
    with torch.no_grad():
        everywhere = noise.head(opened.model, grid, torch.full((3, 6, 6), 20.0))
        pool = opened.model.visual.attnpool
        plain = pool.attend(pool.tokens(grid, opened.model.positions))
        plain = plain + opened.model.probing(plain, opened.model.probe)
        learned = opened.model.image_head(grid).features
    torch.testing.assert_close(everywhere, plain, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(learned, plain, atol=1e-4)  # and the hook is gone


def test_a_map_is_given_as_the_network_would_give_it(opened: Opened) -> None:
    text_map = np.array([[[0.0, 0.2], [0.7, 1.0]]], np.float32)
    np.testing.assert_allclose(noise.as_logits(text_map).sigmoid(), text_map, atol=1e-6)
    gallery = noise.prepare(opened, SMALL)
    with torch.no_grad():
        own = opened.model.image_head(gallery.grids).features
        given = noise.head(opened.model, gallery.grids, noise.as_logits(gallery.learned))
    torch.testing.assert_close(given, own, atol=1e-4, rtol=1e-4)


def test_flipping_by_hand() -> None:
    truth = np.zeros((2, 5, 5), np.float32)
    truth[0, 1, 1:4] = 1
    assert (noise.flip(truth, 0.0, 0) == truth).all()
    assert (noise.flip(truth, 1.0, 0) == 1 - truth).all()
    few, many = (noise.flip(truth, share, 0) != truth for share in (0.2, 0.4))
    assert (few.sum(), many.sum()) == (10, 20)
    assert (many | ~few).all()  # what was flipped stays flipped
    # 47 of 50 cells agree with no text at all; a map of one right and one wrong cell: 1 of 4.
    assert noise.likeness(np.zeros_like(truth), truth) == (0.94, 0.0)
    wrong = np.zeros_like(truth)
    wrong[0, 1, 1] = wrong[1, 0, 0] = 1
    assert noise.likeness(wrong, truth) == (0.94, 0.25)


def test_the_true_map_follows_the_words(opened: Opened) -> None:
    word = WrittenWord("hi", ((48, 48), (96, 48), (96, 96), (48, 96)), "red", 30.0, 0)
    scene = Scene(np.zeros((192, 192, 3), np.uint8), (word,))
    found = noise.true_map(scene, opened)  # in the input: 24 to 48, shrunk by 5
    expected = np.zeros((6, 6), np.float32)
    expected[1:3, 1:3] = 1  # cells of 16 px that 29 to 43 touches
    np.testing.assert_array_equal(found, expected)


def test_numbers_out_of_range_are_refused(fdp_run: Path, tmp_path: Path) -> None:
    asked = noise.parser().parse_args(["--checkpoint", str(fdp_run), "--shares", "1.5"])
    with pytest.raises(UsageError, match="shares are 0 to 1"):
        noise.study(asked)
    with pytest.raises(UsageError, match="heights are above 0"):
        height.study(height.parser().parse_args(["--checkpoint", str(tmp_path), "--heights", "0"]))


def test_a_model_without_shift_cannot_be_studied(tmp_path: Path) -> None:
    off = replace(TINY, size_px=64, attention_shift="off", distinction=False)
    settings = TrainConfig(steps=1, threads=1, device="cpu")
    train(FDP_METHOD, Run(FdpRecipe(off, pictures=2, batch=2), settings), tmp_path / "run")
    with pytest.raises(UsageError, match="shifts no attention"):
        noise.study(noise.parser().parse_args(["--checkpoint", str(tmp_path / "run")]))


# --- clusters --------------------------------------------------------------------------------


def test_agreement_by_hand() -> None:
    one, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert clusters.agreement(one, one) == 1
    assert clusters.agreement(one, 1 - one) == 1  # names do not matter
    # No pair is together in both: (0 - 2 * 2 / 6) / (2 - 2 * 2 / 6) = -1/2.
    assert clusters.agreement(one, other) == pytest.approx(-0.5)
    assert clusters.changed(one, 1 - one) == 0
    assert clusters.changed(one, np.array([0, 0, 0, 1])) == 0.25


def test_sides_are_those_of_fdp(opened: Opened) -> None:
    words = ["of", "restaurant", *every_word()[:60]]
    features = text_features(opened.model.clip, opened.tokenizer, words)
    centroids = fit_clusters(features, words, ("of", "restaurant"), seed=0)
    expected = nearest_cluster(features, centroids).numpy()
    found = clusters.sides(features, np.arange(len(words)), 0)
    assert clusters.agreement(found, expected) == 1


def test_anchors_that_fail() -> None:
    words = clusters.every_word()
    nouns = set(content_words())
    perfect = (~words.function).astype(np.int64)
    assert clusters.anchors(perfect, words)["pairs_that_fail"] == 0
    sides = perfect.copy()
    strange = [words.all.index("with"), words.all.index("fish")]
    sides[strange] = 1 - sides[strange]
    found = clusters.anchors(sides, words)
    assert (found["function_words_that_fail"], found["nouns_that_fail"]) == (["with"], ["fish"])
    count, content = words.function.sum(), len(nouns - set(np.array(words.all)[words.function]))
    share, other = 1 / count, 1 / content
    # One of a pair is strange and the other is not.
    expected = share * (1 - other) + other * (1 - share)
    assert found["pairs_that_fail"] == pytest.approx(expected, abs=1e-4)


def test_the_same_seed_finds_the_same_words(fdp_run: Path) -> None:
    asked = clusters.parser().parse_args(["--checkpoint", str(fdp_run), "--seeds", "0"])
    rows = {row["compared"]: row for row in clusters.study(asked).rows}
    assert (rows["other seeds"]["ARI"], rows["other seeds"]["change"]) == (1, 0)
    assert open_text_side(fdp_run).digest == open_fdp(fdp_run).digest


# --- edits -----------------------------------------------------------------------------------


def test_correlation_of_a_perfect_toy() -> None:
    pairs = [("a", "a"), ("a", "ab"), ("a", "abc"), ("abcd", "a")]  # 0, 1, 2, 3
    assert edits.correlation(pairs, [0.1, 0.2, 0.3, 0.9]) == 1
    assert edits.correlation(pairs, [0.9, 0.2, 0.1, 0.0]) == -1
    assert edits.correlation(pairs, [0.5] * 4) is None


def test_pairs_and_lists() -> None:
    members = [["a", "b", "c"], ["x", "y"]]
    assert edits.within(members) == [("a", "b"), ("a", "c"), ("b", "c"), ("x", "y")]
    far = edits.across(members, 20, seed=1)
    assert all((one in "abc") != (other in "abc") for one, other in far)
    assert far == edits.across(members, 20, seed=1) != edits.across(members, 20, seed=2)
    for kind in edits.families().values():
        words = [word for family in kind for word in family]
        assert len(words) == len(set(words))
        assert all(len(family) > 1 for family in kind)


# --- hardness --------------------------------------------------------------------------------


def plain_distance(one: str, other: str) -> int:
    """Levenshtein's table, row by row."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        last, row = row, [at]
        for place, second in enumerate(other, 1):
            change = last[place - 1] + (letter != second)
            row.append(min(change, last[place] + 1, row[-1] + 1))
    return row[-1]


@pytest.mark.parametrize("distance", [1, 2, 3, hardness.FAR])
def test_distractors_are_as_far_as_they_should_be(distance: int) -> None:
    found = hardness.distractors("taxi", distance, 12, ["taxi"], np.random.default_rng(4))
    assert len(set(found)) == 12
    apart = {plain_distance("taxi", text) for text in found}
    assert min(apart) >= hardness.FAR if distance == hardness.FAR else apart == {distance}
    assert not set(found) & set(every_word())


# --- attributes ------------------------------------------------------------------------------


def test_kinds_of_mistakes() -> None:
    red, blue = (WrittenWord("Taxi", SQUARE, colour, 9.0, 0) for colour in ("red", "blue"))
    other = WrittenWord("bus", SQUARE, "red", 9.0, 1)
    fish = DrawnObject("fish", "blue", SQUARE)
    pixels = np.zeros((9, 9, 3), np.uint8)

    def kind(asked: Asked, *words: WrittenWord, things: tuple[DrawnObject, ...] = ()) -> str:
        return attributes.kind_of(asked, Scene(pixels, words, things))

    coloured = Asked("colour", ("taxi",), colour="red")
    assert kind(coloured, blue) == "right word, wrong attribute"
    assert kind(coloured, other) == "wrong word, right attribute"
    assert kind(coloured, blue, other) == "both, but apart"
    assert kind(coloured) == "neither"
    beside = Asked("object", ("taxi",), thing="fish")
    assert kind(beside, red) == "right word, wrong attribute"
    assert kind(beside, other, things=(fish,)) == "wrong word, right attribute"
    assert [part(coloured) for part in attributes.PARTS.values()] == [
        "red word taxi",
        "taxi",
        "red word",
    ]
    assert attributes.attribute_of(beside) == "a fish"


def test_each_cluster_has_its_own_prompt(opened: Opened) -> None:
    found = prompts.measure(opened, build(replace(SMALL, groups=("seen", "function"))).task)
    for kind in ("function", "content"):
        if (kind, "own") in found:
            assert found[kind, "own"] == found[kind, kind]
    # Another prompt gives other vectors, and so other ranks.
    assert len({value for (kind, _), value in found.items() if kind == "all"}) > 1


def test_as_many_runs_as_seeds(fdp_run: Path) -> None:
    asked = prompts.parser().parse_args(["--checkpoint", str(fdp_run)])
    with pytest.raises(UsageError, match="1 runs are named for 3 seeds: name as many"):
        prompts.study(asked)


def test_words_of_two_kinds_are_counted(fdp_run: Path) -> None:
    found = clusters.two_kinds(open_text_side(fdp_run))
    assert found["words"] == 59
    assert 0.5 <= found["on_the_right_side"] <= 1
