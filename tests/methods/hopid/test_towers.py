"""What is exported computes what was trained, one picture or caption at a time."""

from typing import Any

import pytest
import torch

from sightread.errors import UsageError
from sightread.methods.hopid.model import look
from sightread.methods.hopid.towers import make_towers
from sightread.scenetext.settings import SceneTextSettings
from tests.methods.hopid.small import make, read, seen, settings


def test_the_towers_are_plain_clip() -> None:
    model = make()
    found = make_towers(model)
    pixels = torch.randn(2, 3, 16, 16)
    vectors, patches = found.image(pixels)
    expected = look(model.clip, pixels)
    assert torch.equal(vectors, expected[0])
    assert torch.equal(patches, expected[1])
    ids = torch.tensor([[28, 1, 2, 29]])
    assert torch.equal(found.text(ids), model.encode_text(ids))
    assert found.dim == 16


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("passes", ["one", "two"])
def test_a_picture_with_words(count: int, passes: Any) -> None:
    model = make(scene_text=SceneTextSettings(passes=passes))
    found = make_towers(model).scene_text
    assert found is not None
    assert found.two_passes == (passes == "two")
    pictures = seen(count)
    if passes == "one":
        pictures = pictures._replace(base=pictures.marked)
    inputs = [pictures.marked, pictures.patches, pictures.words, pictures.boxes, pictures.pooling]
    if passes == "two":
        inputs.append(pictures.base)
    vector, weights, gate = found.written(*inputs)
    expected = model.see(pictures)
    assert torch.allclose(vector, expected.vector, atol=1e-6)
    assert torch.allclose(weights, expected.distilled.relevance, atol=1e-6)
    assert torch.allclose(gate, expected.gate, atol=1e-6)
    assert weights.shape == (1, count)
    assert gate.shape == (1,)
    assert 0 < float(weights.detach().sum()) <= 1 + 1e-5


def test_captions_with_entities() -> None:
    model = make()
    found = make_towers(model).scene_text
    assert found is not None
    captions = read((1, 3))
    told = (captions.vector, captions.prompt, captions.words, captions.entities, captions.at)
    assert torch.allclose(found.caption(*told), model.read(captions), atol=1e-6)
    tags = found.tag(captions.words)
    assert torch.allclose(tags, model.dei.probabilities(captions.words))
    assert tags.shape == (1, 5)


@pytest.mark.parametrize(("how", "expected"), [("all", 1.0), ("none", 0.0)])
def test_tags_that_are_fixed(how: str, expected: float) -> None:
    found = make_towers(make(dei=how)).scene_text
    assert found is not None
    assert found.tag(read((1,)).words)[0].tolist() == [expected] * 5


def test_what_serving_needs_to_know() -> None:
    found = make_towers(make()).scene_text
    assert found is not None
    details = dict(found.details)
    assert details.pop("patches") == 2
    assert SceneTextSettings.from_json(details) == settings().scene_text


@pytest.mark.parametrize(
    ("switches", "part"),
    [
        ({"preset": "paper"}, "for studies"),
        ({"image_gate": "always"}, "for studies"),
        ({"text_gate": "always"}, "for studies"),
        ({"prompt": False}, "prompt false is for studies"),
        ({"dei": "oracle"}, "oracle"),
    ],
)
def test_studies_are_not_exported(switches: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        make_towers(make(**switches))
