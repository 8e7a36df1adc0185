"""The word spotter that comes with the package: whole, itself, and able to read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightread.library import Library
from sightread.modelfolder import GOLDEN, read, read_bytes
from sightread.readers import SPOTTER_MODEL, open_reader, open_word_encoder
from sightread.readers.spotter import SpotterReader
from sightread.spotting.golden import check, unpack
from sightread.synth.plans import PLAIN, ScenePlan, WordPlan
from sightread.synth.scene import SceneRenderer
from sightread.synth.vocabulary import unseen_words
from sightread.text import key
from sightread.types import RGBImage

MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def reader() -> SpotterReader:
    return SpotterReader(SPOTTER_MODEL)


def written(count: int) -> list[tuple[str, RGBImage]]:
    """Words that training never shows, each on a plain picture."""
    renderer = SceneRenderer(PLAIN)
    words = [word for word in unseen_words() if len(word) >= 4][:count]
    plans = [ScenePlan((320, 240), (WordPlan(word, height_px=28.0),)) for word in words]
    return [
        (w, renderer.render(p, n).pixels) for n, (w, p) in enumerate(zip(words, plans, strict=True))
    ]


def test_the_model_is_whole_and_small_and_gives_its_golden_numbers(reader: SpotterReader) -> None:
    assert sum(file.stat().st_size for file in SPOTTER_MODEL.iterdir()) < MOST_BYTES
    golden = unpack(read_bytes(SPOTTER_MODEL, reader.info, GOLDEN), GOLDEN)
    assert check(golden, reader) > 0.9999
    assert set(reader.info.files) >= {"find.onnx", "strips.onnx", "text.onnx", "CARD.md"}
    assert reader.info.words is not None
    card = (SPOTTER_MODEL / "CARD.md").read_text("utf-8")
    assert "seen by no training" in card
    assert read(SPOTTER_MODEL).licence == "Apache-2.0"


def test_it_reads_words_that_it_has_never_seen(reader: SpotterReader) -> None:
    shown = written(20)
    found = reader.read([pixels for _, pixels in shown])
    right = [
        word in {key(region.text or "") for region in regions}
        for (word, _), regions in zip(shown, found, strict=True)
    ]
    assert np.mean(right) >= 0.85


def test_it_is_used_if_no_model_is_named(tmp_path: Path) -> None:
    shown = written(6)
    for word, pixels in shown:
        Image.fromarray(pixels).save(tmp_path / f"{word}.png")
    with Library.open(
        str(tmp_path / "library"), write=True, create=True, reader="spotter"
    ) as library:
        library.index([str(tmp_path)])
        [space] = library.store.region_spaces()
        # The package may be anywhere the next time.
        assert space.folder == ""
        answers = [library.search(f'"{word}"').hits for word, _ in shown]
    first = [Path(hits[0].path).stem if hits else "" for hits in answers]
    assert sum(name == word for name, (word, _) in zip(first, shown, strict=True)) >= 5
    assert open_word_encoder("").spec.revision == open_reader("spotter").spec.space.revision  # type: ignore[union-attr]
