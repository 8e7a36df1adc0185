"""From a trained EntityCLIP to an answer: exported, indexed with, searched, looked at again."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightread.encoders import open_encoder
from sightread.encoders.matching import OnnxMatcher
from sightread.explain import Book, Subject
from sightread.explain.book import FILE_NAME
from sightread.explain.fill import by_hand
from sightread.library import Library
from sightread.modelfolder import MODEL_JSON
from sightread.synth.entities import ShownEntity, build_entities
from sightread.types import Result
from tests.methods.entityclip.conftest import FEW

SHOWN = build_entities(FEW).shown("test")
COUNT = 5


def name(one: ShownEntity) -> str:
    return one.id.replace("/", "-") + ".png"


@pytest.fixture(scope="module")
def model(entity_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported model, as if it had learned for longer: two steps teach no calibration, and a
    head that says about the same of every picture."""
    out = shutil.copytree(entity_model, tmp_path_factory.mktemp("sure") / "model")
    told = json.loads((out / MODEL_JSON).read_text())
    told["calibration"] = {"slope": 10.0, "offset": 0.0}
    told["details"]["scale"] = 1.0
    (out / MODEL_JSON).write_text(json.dumps(told))
    return out


@pytest.fixture(scope="module")
def library(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Library, OnnxMatcher]]:
    """Pictures of all entities, and the book that explains them."""
    home = tmp_path_factory.mktemp("found")
    (home / "photos").mkdir()
    for one in SHOWN:
        Image.fromarray(one.load()).save(home / "photos" / name(one))
    place = str(home / "library")
    with Library.open(place, write=True, create=True, encoder=str(model)) as opened:
        assert opened.index([str(home / "photos")]).failed == 0
    with Book.open(Path(place) / FILE_NAME, write=True) as book:
        for one in SHOWN:
            book.add(by_hand(Subject(one.entity.name), one.entity.explanation))
    matcher = open_encoder(model)
    assert isinstance(matcher, OnnxMatcher)
    with Library.open(place) as opened:  # the library remembers where the model is
        yield opened, matcher


@dataclass(frozen=True)
class Judged:
    """Places of the pictures for one entity: by their cosines, and as the head wants them."""

    nearest: list[int]
    again: list[int]


def judged(matcher: OnnxMatcher, name: str, told: str) -> Judged:
    pictures = [one.load() for one in SHOWN]
    query = matcher.encode_texts([name, told] if told else [name]).sum(0)
    vectors = np.stack([one.vector for one in matcher.encode_images(pictures)])
    cosines = vectors @ query / np.linalg.norm(query)
    odds = matcher.log_odds(name, told, matcher.image_tokens(pictures))
    mixed = 0.3 * odds + 0.7 * matcher.scale * cosines
    nearest = np.argsort(-cosines).tolist()
    first = sorted(nearest[:COUNT], key=lambda at: -mixed[at])
    return Judged(nearest, [*first, *nearest[COUNT:]])


def order(result: Result) -> list[int]:
    places = {name(one): at for at, one in enumerate(SHOWN)}
    return [places[Path(hit.path).name] for hit in result.hits]


@pytest.mark.parametrize("explain", [True, False])
def test_the_first_pictures_come_in_the_order_of_the_head(
    library: tuple[Library, OnnxMatcher], explain: bool
) -> None:
    opened, matcher = library
    moved = 0
    for entity in (one.entity for one in SHOWN):
        wanted = judged(matcher, entity.name, entity.explanation if explain else "")
        query = f'entity:"{entity.name}"'
        plain = opened.search(query, threshold=0.0, explain=explain)
        assert (order(plain), plain.looked_again) == (wanted.nearest, None)
        again = opened.search(query, threshold=0.0, explain=explain, again=COUNT)
        assert order(again) == wanted.again
        assert again.looked_again is not None
        assert again.looked_again.pictures == COUNT
        assert (plain.warnings, again.warnings) == ((), ())
        assert [one.joined for one in again.explanations] == [explain]
        chances = [[hit.probability for hit in one.hits] for one in (plain, again)]
        assert chances[0] == chances[1]  # probabilities belong to places
        moved += wanted.again != wanted.nearest
    assert moved > len(SHOWN) / 2  # else nothing was shown
