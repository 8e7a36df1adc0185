"""What a plain CLIP serves."""

import pytest
import torch
from torch.nn.functional import normalize

from sightread.clip.model import CLIP
from sightread.clip.towers import ImageTower, TextTower
from tests.clip.formula import CONFIGS, TOKENS, fill, images


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_towers_give_the_features_at_unit_length(name: str) -> None:
    model = CLIP(CONFIGS[name]).eval()
    fill(model)
    pixels = images(2, CONFIGS[name].vision.image_px)
    image, text = ImageTower(model)(pixels), TextTower(model)(TOKENS)
    torch.testing.assert_close(image.norm(dim=1), torch.ones(2))
    torch.testing.assert_close(text.norm(dim=1), torch.ones(3))
    assert image.equal(normalize(model.encode_image(pixels)))
    assert text.equal(normalize(model.encode_text(TOKENS)))
    torch.testing.assert_close(model.logit_scale.exp() * image @ text.T, model(pixels, TOKENS))
