"""The measurement of the renderer's speed, in its quick form."""

from __future__ import annotations

from benchmarks.render_speed import CASES, measure
from tests.synth.faces import PACKAGED

from sightread.synth.scene import SceneRenderer


def test_speed_is_measured() -> None:
    renderer = SceneRenderer(typefaces=PACKAGED)
    size, words, objects = CASES["160_px_2_words_1_object"]
    measured = measure(renderer, 20, size, words, objects)
    # A hundred times slower than the target would be another renderer.
    assert 0.1 < measured["cpu_ms_mean"] < 300
    assert measured["cpu_ms_p95"] >= measured["cpu_ms_mean"] * 0.9
    assert measured["cpu_ms_mean_of_all_rounds"] >= measured["cpu_ms_mean"]
