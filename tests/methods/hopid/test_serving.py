"""From a short training run to a model folder that serves: what it computes, and what it refuses.

The run learns so fast that after a few steps words count for a lot, if for nothing sensible.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sightread import golden, modelfolder
from sightread.cli.caption_benchmarks import measure, report_text
from sightread.encoders import open_encoder
from sightread.encoders.onnx import OnnxEncoder
from sightread.encoders.scene_text import SceneTextEncoder
from sightread.errors import ModelError, SightreadError
from sightread.explained import SceneText
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.export import Exported, export
from sightread.lab.export_scene_text import Plain, Shown, export_scene_text
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.sources import open_source
from sightread.lab.train import train
from sightread.library import Library
from sightread.methods.hopid.benchmarks import rendered
from sightread.methods.hopid.features import look_at, tell
from sightread.methods.hopid.model import HOPID
from sightread.methods.hopid.recipe import HOPID_METHOD, pieces_of, preprocess_spec, towers
from sightread.preprocess import preprocess
from sightread.protocols import DualEncoder, ReadingEncoder
from sightread.scenetext.given import GivenWords
from sightread.scenetext.pictures import CaptionedPicture
from sightread.synth.simple import render_words
from sightread.tokenizer import Tokenizer, TokenizerSource
from sightread.types import Quad, RGBImage, WordRegion
from tests.encoders.handmade import make_folder
from tests.hotels import SURE, front
from tests.methods.hopid.conftest import RECIPE

FAST = dataclasses.replace(RECIPE, lr=0.03, validation_pictures=0)
EXACT = 1 - 1e-6
FAR = 1e30
BOX: Quad = ((10.0, 10.0), (60.0, 10.0), (60.0, 30.0), (10.0, 30.0))
PLAIN_TEXTS = ("a red sign", "two mugs", "!? 7")


@dataclasses.dataclass(frozen=True)
class Served:
    """A model in torch, and the same one exported."""

    model: HOPID
    pieces: TokenizerSource
    exported: Exported
    encoder: SceneTextEncoder

    @property
    def folder(self) -> Path:
        return self.exported.folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    base = tmp_path_factory.mktemp("hopid-served")
    train(HOPID_METHOD, Run(FAST, TrainConfig(steps=6, threads=1, device="cpu")), base / "run")
    made = export(base / "run", base / "model")
    model = HOPID_METHOD.build(FAST, 0)
    load_model(open_checkpoint(base / "run"), model)
    encoder = open_encoder(made.folder)
    assert isinstance(encoder, SceneTextEncoder)
    return Served(model.eval(), open_source(base / "run").tokenizer, made, encoder)


def written(seed: int = 0, words: Sequence[str] = ("HILTON", "hotel")) -> CaptionedPicture:
    """A picture with words, as a reader that makes no mistakes gives it."""
    pixels, quads = render_words(words, (160, 120), seed=seed, text_px=24.0)
    regions = tuple(WordRegion(quad, 0.9, word) for word, quad in zip(words, quads, strict=True))
    return CaptionedPicture(str(seed), ("a hotel",), regions, lambda: pixels)


def picture(seed: int = 0) -> RGBImage:
    return np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)


def vector(encoder: SceneTextEncoder, image: RGBImage, words: Sequence[WordRegion]) -> Any:
    [one] = encoder.encode_read([image], [words])
    return one.vector.astype(np.float64)


def unit(rows: torch.Tensor) -> NDArray[np.float64]:
    return rows.detach().double().numpy()


# --- what it computes -------------------------------------------------------------------------


def test_a_folder_says_what_it_is_and_its_card_is_whole(served: Served) -> None:
    encoder: DualEncoder = served.encoder
    assert isinstance(encoder, ReadingEncoder)
    assert encoder.spec.space == "caption"
    info = modelfolder.verify(served.folder)
    assert set(modelfolder.SCENE_TEXT_GRAPHS) <= set(info.files)
    assert info.details["scene_text"]["patches"] == served.model.side
    names = ("image", "text", "written words", "tagger", "captions")
    assert info.provenance["parity"].keys() == {*names, "pictures with words, and captions"}


def test_pictures_without_words_are_plain_clips(served: Served) -> None:
    images = [picture(seed) for seed in range(4)]
    plain = served.encoder.encode_images(images)
    read = served.encoder.encode_read(images, [()] * 4)
    unreadable = [WordRegion(BOX, 0.9, "--"), WordRegion(BOX, 0.1, "unsure"), WordRegion(BOX, 0.9)]
    odd = served.encoder.encode_read(images, [unreadable] * 4)
    rows = np.stack([preprocess(one, served.encoder.info.preprocess) for one in images])
    clip = unit(served.model.look(torch.from_numpy(rows))[0])
    for ours, empty, unread, theirs in zip(plain, read, odd, clip, strict=True):
        assert ours.vector.tobytes() == empty.vector.tobytes() == unread.vector.tobytes()
        assert float(ours.vector @ theirs) >= EXACT
        assert (ours.areas, empty.areas, unread.areas) == ((), (), ())


def test_captions_in_which_nothing_is_written_are_plain_clips(served: Served) -> None:
    texts = [text for text in PLAIN_TEXTS if not served.encoder.scene_text(text)]
    assert texts
    ids = Tokenizer(served.pieces)(texts)
    clip = unit(served.model.encode_text(torch.from_numpy(ids)))
    assert (np.sum(served.encoder.encode_texts(texts) * clip, axis=1) >= EXACT).all()


def test_words_count_and_the_way_they_were_learned(served: Served) -> None:
    """Serving gives what the training code gives; that keeps patches in half precision."""
    shown = [written(seed, words) for seed, words in enumerate((("HILTON", "hotel"), ("a1b2",)))]
    table = look_at(served.model, shown, preprocess_spec(FAST))
    expected = served.model.see(table.seen([0, 1]))
    for at, one in enumerate(shown):
        [found] = served.encoder.encode_read([one.load()], [one.words])
        [plain] = served.encoder.encode_images([one.load()])
        assert float(found.vector @ unit(expected.vector[at])) >= 1 - 1e-5
        assert float(found.vector @ plain.vector) < 0.99
        shares = expected.gate[at] * expected.distilled.relevance[at]
        assert [area.confidence for area in found.areas] == pytest.approx(
            shares[: len(found.areas)].tolist(), abs=1e-3
        )
        assert {area.box for area in found.areas} == {word.box for word in one.words}
        assert 0 < sum(area.confidence for area in found.areas) <= 1


def test_captions_are_read_the_way_they_were_learned(served: Served) -> None:
    texts = ['a mug that says "kelu"', 'a sign with "ab cd" beside "ef"', "two mugs"]
    table = tell(served.model, pieces_of(FAST), texts)
    expected = unit(served.model.read(table.read(range(len(texts)))))
    found = served.encoder.encode_texts(texts)
    assert (np.sum(found * expected, axis=1) >= EXACT).all()
    assert served.encoder.scene_text(texts[0])[-1] == "kelu"
    ids = Tokenizer(served.pieces)(texts)
    plain = unit(served.model.encode_text(torch.from_numpy(ids)))
    assert (np.sum(found[:2] * plain[:2], axis=1) < 0.99).all()


def test_the_order_of_the_words_says_nothing(served: Served) -> None:
    one = written(3, ("alpha", "beta", "gamma", "delta"))
    both = (one.words, one.words[::-1])
    there, back = (vector(served.encoder, one.load(), words) for words in both)
    assert there @ back >= EXACT


def test_golden_vectors_cover_words(served: Served) -> None:
    content = modelfolder.read_bytes(served.folder, served.encoder.info, modelfolder.GOLDEN)
    kept = golden.unpack(content, "golden.npz")
    assert kept.words is not None
    assert golden.check(kept, served.encoder) >= 0.9999
    assert any('"' in text for text in kept.texts)
    turned = dataclasses.replace(kept.words, vector=np.roll(kept.words.vector, 1))
    with pytest.raises(ModelError, match="picture 1 with its words has cosine"):
        golden.check(dataclasses.replace(kept, words=turned), served.encoder)
    with pytest.raises(ModelError, match="but does not take any"):
        golden.check(kept, OnnxEncoder(served.folder))


def test_another_way_of_marking_is_another_revision(served: Served) -> None:
    info = served.encoder.info
    scene_text = {**info.details["scene_text"], "least_confidence": 0.5}
    other = dataclasses.replace(info, details={**info.details, "scene_text": scene_text})
    assert other.revision != info.revision


# --- readings that nobody expects -------------------------------------------------------------


def moved(dx: float, dy: float, by: float = 1.0) -> Quad:
    a, b, c, d = ((x * by + dx, y * by + dy) for x, y in BOX)
    return a, b, c, d


READINGS: dict[str, Callable[[], list[WordRegion]]] = {
    "thousands of words": lambda: [
        WordRegion(moved(at % 50, at // 50 % 70), 0.5 + at / 10_000, f"w{at}") for at in range(4000)
    ],
    "all at one place": lambda: [WordRegion(BOX, 0.9, f"w{at}") for at in range(500)],
    "boxes outside": lambda: [WordRegion(moved(5000, -9000), 0.9, "gone")],
    "boxes half outside": lambda: [WordRegion(moved(-40, 80), 0.9, "half")],
    "endless boxes": lambda: [WordRegion(moved(-FAR, -FAR, FAR), 0.9, "huge")],
    "boxes that are no numbers": lambda: [
        WordRegion(moved(math.nan, 0), 0.9, "nan"),
        WordRegion(moved(math.inf, 0), 0.9, "inf"),
    ],
    "boxes without area": lambda: [WordRegion((BOX[0],) * 4, 0.9, "point")],
    "empty strings": lambda: [WordRegion(BOX, 0.9, ""), WordRegion(BOX, 0.9, "  ")],
    "confidence that is no number": lambda: [
        WordRegion(BOX, math.nan, "what"),
        WordRegion(BOX, math.inf, "sure"),
        WordRegion(BOX, -3.0, "not"),
    ],
    "right to left": lambda: [
        WordRegion(BOX, 0.9, "مرحبا"),
        WordRegion(moved(30, 40), 0.9, "שלום"),
    ],
    "other scripts": lambda: [WordRegion(BOX, 0.9, "東京駅😀"), WordRegion(BOX, 0.9, "\u202eabc")],
    "lone surrogates": lambda: [WordRegion(BOX, 0.9, "a\udcffb")],
    "words without end": lambda: [
        WordRegion(BOX, 0.9, "ab" * 2500),
        WordRegion(moved(9, 40), 0.9, "é" * 5000),
    ],
}


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("size", [(90, 120), (1, 1), (300, 2)])
def test_no_reading_breaks_a_picture(served: Served, name: str, size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 120, np.uint8)
    found = served.encoder.encode_read([image], [READINGS[name]()])[0]
    assert np.isfinite(found.vector).all()
    assert float(np.linalg.norm(found.vector)) == pytest.approx(1, abs=1e-5)
    counts = [area.confidence for area in found.areas]
    assert all(0 <= one <= 1 for one in counts)
    assert sum(counts) <= 1 + 1e-5
    assert len(counts) <= 30


ODD_TEXTS = (
    *('"' + "a" * 5000 + '"', '"a" ' * 300, '"" coffee', 'מלון "שלום"', '"\u202eabc"'),
    *("«»sign", "a sign that says “", 'x"y"z'),
)


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_no_caption_breaks_a_query(served: Served, text: str) -> None:
    [row] = served.encoder.encode_texts([text])
    assert float(np.linalg.norm(row)) == pytest.approx(1, abs=1e-5)


# --- folders that are not whole ---------------------------------------------------------------


def changed(served: Served, to: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy whose model.json says something else."""
    shutil.copytree(served.folder, to)
    path = to / "model.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))
    return to


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f["files"].pop("tag.onnx"), "lacks tag.onnx"),
        (lambda f: f["details"].pop("scene_text"), "details.scene_text is missing"),
        (lambda f: f["details"].update(scene_text="red"), "details.scene_text is missing"),
        (lambda f: f["details"]["scene_text"].update(patches=0), "has 0 patches along a side"),
        (lambda f: f["details"]["scene_text"].update(patches="6"), "has '6' patches"),
        (lambda f: f["details"]["scene_text"].update(passes="three"), "passes"),
        (lambda f: f["details"]["scene_text"].update(colour="red"), "colour"),
        (lambda f: f["details"]["scene_text"].update(threshold=7), "threshold"),
        (lambda f: f["details"]["scene_text"]["marks"].update(most=-1), "most marks"),
        (lambda f: f["details"]["scene_text"]["templates"].update(one="{1}"), "must have {0}"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused_in_a_sentence(
    served: Served, tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    folder = changed(served, tmp_path / "model", change)
    with pytest.raises(ModelError) as caught:
        open_encoder(folder)
    sentence = str(caught.value)
    assert said in sentence
    assert str(folder) in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("name", modelfolder.SCENE_TEXT_GRAPHS)
def test_a_damaged_graph_is_noticed(served: Served, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(served.folder, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name} was changed or damaged"):
        modelfolder.verify(folder)
    encoder = open_encoder(folder)
    assert isinstance(encoder, SceneTextEncoder)
    one = written()

    def use() -> None:
        encoder.encode_texts(['"a"'])
        encoder.encode_read([one.load()], [one.words])

    with pytest.raises(ModelError, match=f"{name} was changed or damaged"):
        use()


class Restless(torch.nn.Module):
    """Is never twice the same, so that no graph can follow it."""

    def forward(
        self,
        vector: torch.Tensor,
        patches: torch.Tensor,
        words: torch.Tensor,
        boxes: torch.Tensor,
        pooling: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        around = (pooling @ patches).mean(-1)
        noise = torch.nn.functional.normalize(vector + torch.randn_like(vector), dim=-1)
        return noise, around + words.mean(-1) + boxes.mean(-1), vector.mean(-1)


def test_a_graph_that_computes_something_else_is_not_exported(served: Served) -> None:
    parts = towers(FAST, served.model)
    assert parts.scene_text is not None
    restless = dataclasses.replace(parts.scene_text, written=Restless().eval())
    plain = Plain((parts.image, b""), (parts.text, b""))
    tokenizer = Tokenizer(served.pieces)
    one = written()
    shown = Shown(one.load(), ["HILTON"], [one.words[0].box], ('a "hotel"',))
    with pytest.raises(SightreadError, match="written words tower computes something else"):
        export_scene_text(restless, plain, shown, preprocess_spec(FAST), tokenizer)


# --- to an answer -----------------------------------------------------------------------------


def test_from_training_to_an_answer(served: Served, tmp_path: Path) -> None:
    """Rendered pictures, read by the word spotter and encoded with the words, are asked for with a
    caption; the evidence says what counted, and a second encoder sees that they look alike."""
    pictures, library = tmp_path / "pictures", str(tmp_path / "library")
    pictures.mkdir()
    for at, name in enumerate(("HILTON", "HILTON", "IBIS", "IBIS", "", "")):
        front(pictures / f"hotel{at}.png", name, (200 + at, 4 * at, 10))
    for at in range(4):
        front(pictures / f"lake{at}.png", "", (20, 40 * at, 190))
    colours = make_folder(tmp_path / "colours", space="pictures", text_map=False, calibration=SURE)
    for model, kind in ((served.folder, "new"), (colours, "encoded")):
        with Library.open(
            library, write=True, create=True, reader="spotter", encoder=str(model)
        ) as opened:
            report = opened.index([str(pictures)])
            assert (getattr(report, kind), report.failed, report.warnings) == (10, 0, ())
    with Library.open(library) as opened:
        result = opened.search("coffee", also=["caption"], threshold=0.0)
        assert [(one.word, one.pictures) for one in result.refine] == [("hilton", 2), ("ibis", 2)]
        told = {
            Path(hit.path).stem: evidence.scene_text
            for hit in result.hits
            for evidence in hit.evidence
            if evidence.channel == "caption"
        }
        assert len(told) == 10
        first, plain = told["hotel0"], told["lake0"]
        assert first is not None
        assert "hilton" in first.words
        assert 0 < first.counts <= 1
        assert plain == SceneText(0.0, ())
        narrower = opened.search('coffee "ibis"', also=["caption"])
        assert {Path(hit.path).stem for hit in narrower.hits} == {"hotel2", "hotel3"}
        assert narrower.warnings == ()


# --- measured ----------------------------------------------------------------------------------


def test_it_is_measured_with_words_without_and_as_plain_clip(served: Served) -> None:
    few = dataclasses.replace(FAST.ambiguity, test_plain=3)
    benchmark = rendered("synth-ambiguity-text-free", few)
    assert benchmark.find is not None
    found = measure(served.encoder, benchmark, GivenWords(benchmark.find), workers=1)
    rows = {
        name: {way: row[way]["hit_at_k"] for way in ("text_to_image", "image_to_text")}
        for name, row in found["rows"].items()
    }
    assert list(rows) == ["with what is written", "pictures alone", "plain CLIP"]
    # Nothing is written: the pictures are the same whatever is asked for.
    assert rows["with what is written"] == rows["pictures alone"]
    assert found["readings"]["with_words"] == 0
    texts = list(benchmark.task.queries.values())
    assert found["named"] == sum(bool(served.encoder.scene_text(text)) for text in texts)
    plain = served.encoder.plain_texts(PLAIN_TEXTS)
    assert np.array_equal(plain, OnnxEncoder(served.folder).encode_texts(PLAIN_TEXTS))
    text = report_text(found | {"weights": "m"})
    assert "plain CLIP" in text
    assert f"{found['named']:,} of {len(texts):,} name something that is taken for written" in text
