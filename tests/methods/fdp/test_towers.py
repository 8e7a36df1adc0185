"""FDP as it serves equals FDP as it learns."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sightread.methods.fdp.towers import ImageTower, TextTower
from tests.methods.fdp.conftest import make_fdp, queries


@pytest.mark.parametrize("switches", [{}, {"probing": False}, {"attention_shift": "off"}])
def test_folding_changes_nothing(images: Tensor, switches: dict[str, Any]) -> None:
    model = make_fdp(**switches)
    with torch.no_grad():
        torch.nn.init.normal_(model.localisation.classify.weight)
        model.localisation.value.bias.normal_()  # type: ignore[union-attr]
        output = model.encode_image(images)
        embeddings, text_map = ImageTower(model)(images)
    torch.testing.assert_close(embeddings, F.normalize(output.features, dim=-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(text_map, output.text_map.sigmoid(), atol=1e-5, rtol=0)


def test_text_embeddings_are_unit_vectors_of_the_prompted_query() -> None:
    model = make_fdp()
    tokens = queries([1, 2], [3, 4, 5], [6])
    embeddings = TextTower(model)(tokens)
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(3))
    torch.testing.assert_close(embeddings, F.normalize(model.encode_text(tokens), dim=-1))
