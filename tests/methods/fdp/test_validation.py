"""What chooses a checkpoint of FDP, and what its cosines mean."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sightread.clip.tokens import tiny_tokenizer
from sightread.errors import UsageError
from sightread.lab.export import export
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.fdp import validation
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.protocols.annotated import AnnotatedPicture, AnnotatedSet, TextPolygon
from sightread.methods.fdp.recipe import FDP_METHOD, FdpRecipe, adopt_words, build, validate
from sightread.methods.fdp.validation import held_out_task, made_up, words_of
from sightread.methods.logistic import logistic_line
from sightread.synth.str_plans import StrSettings, training_words

TINY = FdpConfig(
    variant="tiny", size_px=64, positions="grid_bicubic", map_sampling="any", distinction=False
)
CORNERS = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def annotated(name: str, *words: str) -> AnnotatedPicture:
    texts = tuple(TextPolygon(CORNERS, word) for word in words)
    return AnnotatedPicture(name, Path(name), texts, ())


def test_words_of_held_out_pictures_are_the_queries() -> None:
    pictures = (annotated("a.jpg", "Taxi", "to"), annotated("b.jpg", "TAXI", "hotel"))
    task = words_of(AnnotatedSet("mlt", pictures, 0, 0), None)
    assert list(task.queries) == ["taxi", "hotel"]  # the most frequent first; "to" is too short
    assert task.qrels == {"taxi": {"a.jpg", "b.jpg"}, "hotel": {"b.jpg"}}
    assert task.gallery == ("a.jpg", "b.jpg")
    only = words_of(AnnotatedSet("mlt", pictures, 0, 0), frozenset({"hotel"}))
    assert list(only.queries) == ["hotel"]
    with pytest.raises(UsageError, match=r"held-out pictures of mlt .* raise method\.held_out"):
        words_of(AnnotatedSet("mlt", pictures[:1], 0, 0), frozenset({"hotel"}))


def test_rendered_validation_asks_what_training_shows_of_other_pictures() -> None:
    task = held_out_task(FdpRecipe(TINY, validation_queries=2))
    assert set(task.groups.values()) == {
        "seen", "look-alike", "function", "content", "phrase", "colour", "object"
    }  # fmt: skip
    seen = set(training_words(StrSettings()))
    groups = task.groups
    plain = [q for q in task.queries if groups[q] in ("seen", "function", "content", "look-alike")]
    assert len(plain) == 8
    assert {task.queries[query] for query in plain} <= seen


def test_the_line_is_the_one_that_the_pairs_were_drawn_from() -> None:
    rng = np.random.default_rng(0)
    cosines = rng.uniform(-0.2, 0.8, 200_000).astype(np.float32)
    answers = rng.random(len(cosines)) < 1 / (1 + np.exp(-(12.0 * cosines - 6.0)))
    slope, offset = logistic_line(cosines, answers)
    assert slope == pytest.approx(12.0, rel=0.03)
    assert offset == pytest.approx(-6.0, rel=0.03)


def test_a_model_that_prefers_wrong_pictures_gets_a_flat_line() -> None:
    cosines = np.linspace(0, 1, 1000, dtype=np.float32)
    slope, offset = logistic_line(cosines, cosines < 0.1)
    assert slope == 0.0
    assert 1 / (1 + np.exp(-offset)) == pytest.approx(0.1)  # the share of answers


def test_made_up_words_are_as_long_and_never_a_word() -> None:
    words = ["taxi", "coffee shop", "ab"]
    assert [len(text) for text in made_up(words)] == [4, 11, 3]
    assert not set(made_up(words)) & set(words)


def test_figures_of_a_model_that_knows_nothing() -> None:
    recipe = FdpRecipe(TINY, validation_queries=2)
    model = build(recipe, 0)
    adopt_words(model, tiny_tokenizer(), [])
    with torch.no_grad():
        found = validate(recipe, model.eval())
    assert 0 < found["map"] < 0.3
    # 14 queries with two pictures each among 14 * (2 + 2) + 60; chance adds a few.
    assert found["answers_per_picture"] == pytest.approx(2 / 116, rel=0.3)
    assert found["calibration_slope"] >= 0
    assert validate(replace(recipe, validation_queries=0), model) == {}


def test_made_up_words_are_pairs_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray[Any, Any]] = []

    def fitted(cosines: np.ndarray[Any, Any], answers: np.ndarray[Any, Any]) -> tuple[float, float]:
        seen.extend((cosines, answers))
        return logistic_line(cosines, answers)

    monkeypatch.setattr(validation, "logistic_line", fitted)
    recipe = FdpRecipe(TINY, validation_queries=1)
    model = build(recipe, 0)
    adopt_words(model, tiny_tokenizer(), [])
    with torch.no_grad():
        validate(recipe, model.eval())
    cosines, answers = seen
    pairs = len(answers) // 2  # as many made-up words as queries
    assert len(cosines) == len(answers)
    assert answers[:pairs].sum() >= 7 * 2
    assert not answers[pairs:].any()


def test_the_export_carries_the_line_of_the_checkpoint(tmp_path: Path) -> None:
    recipe = FdpRecipe(TINY, pictures=4, batch=2, validation_queries=1)
    report = train(FDP_METHOD, Run(recipe, TrainConfig(steps=1, best="map")), tmp_path / "run")
    assert report.checkpoint is not None
    line = export(report.checkpoint, tmp_path / "model").info.calibration
    assert line is not None
    assert (line.slope, line.offset) == (
        report.metrics["calibration_slope"],
        report.metrics["calibration_offset"],
    )
