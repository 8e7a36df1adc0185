"""From training to serving: a checkpoint, a model folder, an encoder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightread.cli.entry import run
from sightread.clip.config import CONFIGS
from sightread.clip.folder import Origin, open_folder, write_folder
from sightread.clip.model import CLIP
from sightread.clip.tokens import tiny_tokenizer
from sightread.encoders import open_encoder
from sightread.errors import ModelError, SightreadError, UsageError
from sightread.golden import check, unpack
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.export import export
from sightread.lab.graphs import require_parity, run_onnx, run_torch, to_onnx
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.sources import without_folders
from sightread.lab.train import train
from sightread.methods import METHODS
from sightread.modelfolder import read_bytes, verify
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.tokenizer import Tokenizer
from tests.lab.toy import NAMES, TOY, ToyConfig, build, picture, spec_of


@pytest.fixture(scope="module", autouse=True)
def toy_is_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "toy", TOY)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lab") / "run"
    settings = TrainConfig(steps=60, ema=0.8, device="cpu", threads=1)
    train(TOY, Run(ToyConfig(text_map=True, marker=str(out.parent / "mark")), settings), out)
    return out


@pytest.fixture(scope="module")
def folder(trained: Path) -> Path:
    out = trained.parent / "model"
    assert run(["export", str(trained), "--out", str(out), "--licence", "CC0-1.0"]) == 0
    return out


def test_what_was_learned_is_served(folder: Path) -> None:
    encoder = open_encoder(folder)
    texts = encoder.encode_texts(NAMES)
    pictures = [picture(8 * 10**6 + number, 1, 24)[0] for number in range(8)]
    embeddings = encoder.encode_images(pictures)
    cosines = np.stack([one.vector for one in embeddings]) @ texts.T
    assert cosines.argmax(axis=1).tolist() == list(range(8))
    assert encoder.encode_texts(["RED"]) @ texts[2] == pytest.approx(1.0), "lower-cased"
    black, white = embeddings[0], embeddings[1]
    assert not black.areas
    assert len(white.areas) == 1, "bright pictures have text all over, as the toy sees it"


def test_the_average_of_the_weights_is_served(trained: Path, folder: Path) -> None:
    """The towers run in torch, with the weights that were averaged and with those that were not."""
    encoder, config = open_encoder(folder), ToyConfig(text_map=True)
    image = picture(3, 1, 24)[0]
    pixels = torch.from_numpy(preprocess(image, spec_of(config)))[None]
    found = open_checkpoint(trained)
    ids = torch.from_numpy(Tokenizer(found.tokenizer())(["pink"]))
    cosines: dict[bool, list[float]] = {}
    for ema in (True, False):
        model = build(config, 0).eval()
        load_model(found, model, ema=ema)
        with torch.no_grad():
            vectors = [model.encode_image(pixels)[0][0], model.encode_text(ids)[0]]
        served = [encoder.encode_images([image])[0].vector, encoder.encode_texts(["pink"])[0]]
        cosines[ema] = [float(a.numpy() @ b) for a, b in zip(vectors, served, strict=True)]
    assert min(cosines[True]) > 0.999999
    assert max(cosines[False]) < 0.999999


def test_the_folder_tells_where_it_comes_from(trained: Path, folder: Path) -> None:
    info = verify(folder)
    assert (info.kind, info.space, info.dim, info.name) == ("encoder", "colour", 8, "toy-60")
    assert info.licence == "CC0-1.0"
    assert info.text_map is not None
    assert (info.text_map.rows, info.text_map.columns) == (4, 4)
    facts = info.provenance
    assert (facts["method"], facts["steps"], facts["examples"]) == ("toy", 60, 480)
    assert facts["metrics"]["r1"] == 1.0
    assert facts["parity"]["image"]["min_cosine"] > 0.9999
    assert facts["config"]["method"]["marker"] == "mark", "no folders of the machine"
    card = (folder / "CARD.md").read_text()
    for part in ("# toy-60", TOY.about, "CC0-1.0", info.revision, "| r1 | 1 |", '"ema": 0.8'):
        assert part in card
    for path in folder.iterdir():
        content = path.read_bytes()
        assert str(trained.parent).encode() not in content
        assert os.getcwd().encode() not in content


def test_golden_vectors_are_those_of_torch(folder: Path) -> None:
    encoder = open_encoder(folder)
    golden = unpack(read_bytes(folder, encoder.info, "golden.npz"), "golden.npz")
    assert check(golden, encoder) > 0.9999
    assert golden.pictures.shape == (3, 180, 240, 3)
    # The toy sees no words, so some picture must at least differ from another.
    assert len({one.tobytes() for one in golden.pictures}) == 3


def test_a_tampered_folder_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").write_bytes(content.replace(b'"red":', b'"rad":'))
    try:
        assert run(["models", "verify", str(folder)]) == 1
        with pytest.raises(ModelError, match=r"tokenizer.json was changed or damaged"):
            open_encoder(folder).encode_texts(["red"])
    finally:
        (folder / "tokenizer.json").write_bytes(content)
    assert "was changed or damaged" in capsys.readouterr().err


def test_serving_what_was_exported_imports_no_torch(folder: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from sightread.encoders import open_encoder\n"
        f"encoder = open_encoder({str(folder)!r})\n"
        "encoder.encode_images([np.full((9, 9, 3), 200, np.uint8)])\n"
        "print(encoder.encode_texts(['red', 'blue']).shape, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(2, 8) False\n", "")


def test_notes_stand_on_the_card(trained: Path, tmp_path: Path) -> None:
    export(trained, tmp_path / "out", notes="Drawn by hand.\n\n- public domain\n")
    card = (tmp_path / "out" / "CARD.md").read_text("utf-8")
    assert "## Data\n\nDrawn by hand.\n\n- public domain\n\n## Figures" in card


# --- what is refused ---------------------------------------------------------------------------


def test_a_folder_that_is_there_is_refused_before_work(trained: Path, folder: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        export(trained, folder)
    with pytest.raises(UsageError, match="is no word spotter; encoders are exported in float32"):
        export(trained, folder.parent / "other", precision="int8")


def test_checkpoints_that_cannot_be_exported(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="There is no checkpoint in"):
        export(tmp_path, tmp_path / "out")
    monkeypatch.delitem(METHODS, "toy")
    with pytest.raises(ModelError, match="is of the method 'toy'; known here are"):
        export(trained, tmp_path / "out")
    # The room has changed since the checkpoint was made.
    monkeypatch.setitem(METHODS, "toy", replace(TOY, build=_wider))
    with pytest.raises(ModelError) as raised:
        export(trained, tmp_path / "out")
    assert "it has what the model has not: words.weight" in str(raised.value)
    assert "image.weight is (8, 16) there, (9, 16) in the model" in str(raised.value)


def _wider(config: ToyConfig, seed: int) -> Any:
    model = build(replace(config, dim=9), seed)
    del model.words
    return model


class Unstable(nn.Module):
    """Gives other vectors when it is exported than when it runs."""

    def forward(self, pixels: Tensor) -> Tensor:
        flat = pixels.flatten(1)[:, :8]
        if torch.compiler.is_compiling():
            flat = flat + 0.1
        return nn.functional.normalize(flat, dim=-1)


def test_the_gate_finds_a_graph_that_computes_something_else() -> None:
    pixels = np.random.default_rng(0).standard_normal((3, 3, 4, 4)).astype(np.float32)
    graph = to_onnx(Unstable().eval(), torch.from_numpy(pixels[:2]), "pixels", ("embeddings",))
    expected = run_torch(Unstable(), pixels)
    with pytest.raises(SightreadError, match="computes something else than torch: smallest cosine"):
        require_parity("image", expected, run_onnx(graph, pixels))


def test_the_gate_by_numbers() -> None:
    """(cos a, sin a) against (1, 0) has cosine cos a: 0.99995 passes, 0.9998 does not."""

    def turned(cosine: float) -> list[Any]:
        return [np.array([[cosine, (1 - cosine**2) ** 0.5]], np.float32)]

    one = turned(1.0)
    assert require_parity("text", one, turned(0.99995)).min_cosine == pytest.approx(0.99995)
    with pytest.raises(SightreadError, match=r"text tower .* cosine 0.999800 .* deviation 0.02"):
        require_parity("text", one, turned(0.9998))
    with pytest.raises(SightreadError, match="cosine nan"):
        require_parity("text", one, [one[0] * np.nan])
    with pytest.raises(SightreadError, match="length 2 to 2, but they must have length 1"):
        require_parity("text", [one[0] * 2], one)
    with pytest.raises(SightreadError, match=r"gives \[\(1, 2\), \(1, 2\)\], torch"):
        require_parity("text", one, [*one, *one])
    cells = np.full((1, 2, 2), 0.5, np.float32)
    assert require_parity("image", [*one, cells], [*one, cells + 0.005]).max_deviation > 0.004
    with pytest.raises(SightreadError, match=r"largest deviation 0.02"):
        require_parity("image", [*one, cells], [*one, cells + 0.02])


def test_folders_are_cut_off() -> None:
    given = {"a": "/home/me/weights/", "b": [{"c": "~/x/fonts"}], "d": "rel/ative", "e": 3}
    assert without_folders(given) == {
        "a": "weights", "b": [{"c": "fonts"}], "d": "rel/ative", "e": 3,
    }  # fmt: skip


# --- the commands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train", "fdq", "--out", "OUT"], 2, "There is no method 'fdq'; the methods are: "),
        (["train", "toy", "--out", "OUT", "--set", "train.stps=1"], 2, "Did you mean steps?"),
        (["train", "toy", "--out", "OUT", "--config", "no.toml"], 2, "no.toml cannot be read"),
        (["train", "toy"], 2, "Missing option '--out'"),
        (["export", "OUT", "--out", "OUT2"], 1, "There is no checkpoint in OUT"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (["train", "fdp", "--out", "x"], "torch"),
        (["export", "x", "--out", "y"], "torch"),
        (["export", "x", "--out", "y"], "onnxscript"),
    ],
)
def test_without_the_packages_of_the_lab(arguments: list[str], missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from sightread.cli.entry import run; sys.exit(run({arguments!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        f"sightread: This command needs the package {missing}, which is not installed: run "
        "`pip install 'sightread[train]'`.\n",
    )


def test_a_report_of_a_run_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "train.steps=2", "--set", "train.device=cpu"]
    out = str(tmp_path / "run")
    assert run(["train", "toy", "--out", out, "--json", *settings]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert (report["step"], report["interrupted"]) == (2, False)
    assert report["checkpoint"].endswith("checkpoints/step-00000002")
    assert printed.err.splitlines()[-1] == (
        f"Done: 2 steps, 16 examples (0 s); `sightread export {out} --out DIR` exports it."
    )


def test_weights_of_a_clip_are_exported_as_they_are(tmp_path: Path) -> None:
    torch.manual_seed(4)
    model = CLIP(CONFIGS["tiny-ViT"]).eval()
    origin = Origin("ours", "Apache-2.0", {"file": "/home/somebody/clip.pt"})
    write_folder(tmp_path / "w", model, tiny_tokenizer(), PreprocessSpec(64, "crop"), origin)
    assert run(["export", str(tmp_path / "w"), "--out", str(tmp_path / "m")]) == 0
    encoder = open_encoder(tmp_path / "m")
    assert (encoder.info.space, encoder.info.name) == ("meaning", "ours")
    assert encoder.info.licence == "Apache-2.0"
    assert encoder.info.provenance["source"] == {"file": "clip.pt"}
    ids = torch.from_numpy(Tokenizer(open_folder(tmp_path / "w").tokenizer)(["a cat"]))
    with torch.no_grad():
        expected = torch.nn.functional.normalize(model.encode_text(ids), dim=-1)[0]
    assert encoder.encode_texts(["a cat"])[0] == pytest.approx(expected.numpy(), abs=1e-5)
    card = (tmp_path / "m" / "CARD.md").read_text()
    assert "## Source\n\n| | |\n|---|---|\n| file | clip.pt |" in card
    assert "nothing learned" in card
    with pytest.raises(ModelError, match="it is of kind encoder"):
        export(tmp_path / "m", tmp_path / "again")
