"""Checkpoints on this machine become model folders."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sightread import modelfolder
from sightread.cli.entry import run
from sightread.clip.config import CONFIGS
from sightread.clip.folder import Pretrained, open_folder
from sightread.clip.importing import Wishes, import_clip
from sightread.clip.model import CLIP
from sightread.clip.published import PUBLISHED, find_published
from sightread.clip.tokens import tiny_tokenizer, tokenise
from sightread.errors import ModelError, SightreadError, UsageError
from sightread.modelfolder import ModelInfo, file_sum
from sightread.preprocess import CLIP_MEAN, CLIP_STD, PreprocessSpec
from sightread.tokenizer import Tokenizer, TokenLayout
from tests.clip.formula import fill, images
from tests.clip.public import IMAGE_PX, transformers_clip


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with weights and tokeniser, and nothing that says how to use them."""
    folder = tmp_path / "bare"
    folder.mkdir()
    model = CLIP(CONFIGS["tiny-RN"])
    fill(model)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    (folder / "tokenizer.json").write_text(tiny_tokenizer().to_str(), encoding="utf-8")
    return folder


def open_clip_config(folder: Path, **changes: Any) -> None:
    pixels = {"mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.3], "resize_mode": "squash"} | changes
    config = {"model_cfg": {"embed_dim": 128, "quick_gelu": True}, "preprocess_cfg": pixels}
    (folder / "open_clip_config.json").write_text(json.dumps(config))


def transformers_folder(folder: Path, *, quick_gelu: bool) -> Any:
    model = transformers_clip(quick_gelu=quick_gelu)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tiny_tokenizer().to_str(), encoding="utf-8")
    return model


@pytest.mark.parametrize("quick_gelu", [True, False])
@torch.no_grad()
def test_a_folder_of_transformers_needs_no_option(tmp_path: Path, quick_gelu: bool) -> None:
    theirs = transformers_folder(tmp_path / "in", quick_gelu=quick_gelu)
    info = import_clip(tmp_path / "in", tmp_path / "out")
    loaded = open_folder(tmp_path / "out")
    assert loaded.info == info
    assert loaded.model.config == replace(CONFIGS["tiny-ViT"], quick_gelu=quick_gelu)
    texts, pixels = ["the exit", "24"], images(2, IMAGE_PX)
    tokens = torch.from_numpy(Tokenizer(loaded.tokenizer)(texts))
    assert tokens.equal(tokenise(tiny_tokenizer(), texts, 32))
    answer = theirs(input_ids=tokens, pixel_values=pixels)
    assert (loaded.model(pixels, tokens) - answer.logits_per_image).abs().max() <= 1e-5


def test_what_the_folder_says(bare: Path, tmp_path: Path) -> None:
    open_clip_config(bare)
    out = tmp_path / "made" / "out"
    info = import_clip(bare, out, Wishes(name="mine", licence="CC0-1.0"), {"from": "a friend"})
    weights = bare / "open_clip_model.safetensors"
    assert info == modelfolder.verify(out)
    assert (info.kind, info.name, info.space, info.dim) == ("weights", "mine", "meaning", 128)
    assert info.licence == "CC0-1.0"
    assert info.preprocess == PreprocessSpec(64, "squash", (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    assert info.tokenizer == TokenLayout(32, 434, 435, 0)
    assert info.details == {"architecture": "tiny-RN", "quick_gelu": True}
    assert info.provenance == {
        "from": "a friend",
        "file": weights.name,
        "sha256": file_sum(weights).sha256,
    }
    assert set(info.files) == {"model.safetensors", "tokenizer.json", "CARD.md"}
    card = (out / "CARD.md").read_text()
    for words in ("# mine", "CC0-1.0", "a friend", "quick GELU", "64 px", str(weights.name)):
        assert words in card
    assert str(tmp_path) not in card
    # The same weights make the same revision; nothing is left beside the folder.
    assert import_clip(bare, tmp_path / "made" / "again").revision == info.revision
    assert sorted(path.name for path in out.parent.iterdir()) == ["again", "out"]


def test_defaults_are_those_of_clip(bare: Path, tmp_path: Path) -> None:
    info = import_clip(bare, tmp_path / "out", Wishes(quick_gelu=False))
    assert info.preprocess == PreprocessSpec(64, "crop", CLIP_MEAN, CLIP_STD)
    assert info.details["quick_gelu"] is False
    assert info.name == "tiny-RN"
    assert info.licence == "not stated: see the source"


def test_wishes_win_over_the_files(bare: Path, tmp_path: Path) -> None:
    open_clip_config(bare)
    wishes = Wishes(quick_gelu=False, tokenizer=bare / "tokenizer.json")
    info = import_clip(bare / "open_clip_model.safetensors", tmp_path / "out", wishes)
    assert info.details["quick_gelu"] is False


def test_a_published_name_tells_the_rest(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = replace(PUBLISHED["RN50:openai"], architecture="tiny-RN", mean=(0.1, 0.2, 0.3))
    monkeypatch.setitem(PUBLISHED, "Tiny:openai", entry)
    info = import_clip(bare, tmp_path / "out", Wishes(name="Tiny"))
    assert info.details["quick_gelu"] is True
    assert info.licence == "MIT"
    assert info.preprocess.mean == (0.1, 0.2, 0.3)


def test_another_size(bare: Path, tmp_path: Path) -> None:
    wishes = Wishes(quick_gelu=True, size_px=160)
    info = import_clip(bare, tmp_path / "out", wishes)
    assert info.preprocess.size_px == 160
    assert info.provenance["positions"] == "resized from 64 px, bicubic"
    assert open_folder(tmp_path / "out").model.config.vision.image_px == 160


# --- refusals --------------------------------------------------------------------------------


def refusal(
    source: Path, wishes: Wishes | None = None, kind: type[SightreadError] = ModelError
) -> str:
    out = source.parent / "refused"
    with pytest.raises(kind) as caught:
        import_clip(source, out, wishes)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    return str(caught.value)


QUICK = Wishes(quick_gelu=True)


def test_the_gelu_must_be_known(bare: Path) -> None:
    message = refusal(bare, None, UsageError)
    assert "says which GELU" in message
    assert "--gelu quick" in message


def test_an_existing_folder_is_left_alone(bare: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        import_clip(bare, bare, QUICK)


def test_a_tokeniser_of_another_model(bare: Path) -> None:
    data = json.loads(tiny_tokenizer().to_str())
    words = data["model"]["vocab"]
    words |= {"ab": 434, "<|startoftext|>": 435, "<|endoftext|>": 436}
    (bare / "tokenizer.json").write_text(json.dumps(data))
    assert "The tokeniser has 437 tokens, but the model has 436" in refusal(bare, QUICK)


def test_missing_parts(bare: Path, tmp_path: Path) -> None:
    (bare / "tokenizer.json").unlink()
    assert "has no tokeniser" in refusal(bare, QUICK)
    (tmp_path / "empty").mkdir()
    assert "has no weights: put one of open_clip_model.safetensors" in refusal(
        tmp_path / "empty", QUICK
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: open_clip_config(folder, resize_mode="longest"), "resized by 'longest'"),
        (lambda folder: open_clip_config(folder, mean=[1]), "is damaged: ValueError"),
        (lambda folder: (folder / "open_clip_config.json").write_text("{}"), "'model_cfg'"),
        (lambda folder: (folder / "open_clip_config.json").write_text("[1]"), "holds no object"),
        (lambda folder: (folder / "config.json").write_text("{"), "is damaged: JSONDecodeError"),
    ],
)
def test_damaged_configurations(bare: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(bare)
    assert words in refusal(bare)


@pytest.mark.parametrize(("text", "vision"), [("gelu", "quick_gelu"), ("relu", "relu")])
def test_towers_with_other_activations(tmp_path: Path, text: str, vision: str) -> None:
    transformers_folder(tmp_path / "in", quick_gelu=True)
    config = json.loads((tmp_path / "in" / "config.json").read_text())
    config["text_config"]["hidden_act"], config["vision_config"]["hidden_act"] = text, vision
    (tmp_path / "in" / "config.json").write_text(json.dumps(config))
    assert "both must use one of quick_gelu, gelu" in refusal(tmp_path / "in")


def test_a_size_that_is_not_possible(bare: Path) -> None:
    wishes = replace(QUICK, size_px=100)
    assert "100 px is no multiple of the 16 px" in refusal(bare, wishes, UsageError)


def test_another_architecture_than_the_name_says(bare: Path) -> None:
    assert "It is a tiny-RN, and RN50 must be another" in refusal(bare, Wishes(name="RN50"))


def test_a_folder_that_was_changed_is_not_opened(bare: Path, tmp_path: Path) -> None:
    import_clip(bare, tmp_path / "out", QUICK)
    text = (tmp_path / "out" / "model.json").read_text()
    (tmp_path / "out" / "model.json").write_text(text.replace('"quick_gelu": true', '"x": 1'))
    with pytest.raises(ModelError, match="has no weights of a CLIP"):
        open_folder(tmp_path / "out")
    (tmp_path / "out" / "model.json").write_text(text)
    weights = tmp_path / "out" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="changed or damaged"):
        open_folder(tmp_path / "out")


# --- the command -----------------------------------------------------------------------------


def test_the_command(bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert run(["models", "import", str(bare), "--out", out, "--json"]) == 2
    assert "add --gelu quick" in capsys.readouterr().err
    options = ["--gelu", "exact", "--name", "mine", "--size", "96", "--licence", "MIT"]
    options += ["--tokenizer", str(bare), "--json"]
    assert run(["models", "import", str(bare), "--out", out, *options]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["input_px"], shown["licence"]) == ("mine", 96, "MIT")
    loaded: Pretrained = open_folder(out)
    assert not loaded.model.config.quick_gelu
    assert run(["models", "verify", out]) == 0


# --- published names -------------------------------------------------------------------------


def test_published_names() -> None:
    assert find_published("RN50") == ("RN50:openai", PUBLISHED["RN50:openai"])
    assert find_published("ViT-B-16/laion2B-s34B-b88K")[0] == "ViT-B-16:laion2b_s34b_b88k"
    for entry in PUBLISHED.values():
        assert entry.architecture in CONFIGS
        assert entry.repository.count("/") == 1
    with pytest.raises(UsageError, match="similar names are ViT-B-32:openai"):
        find_published("ViT-B32")
    with pytest.raises(UsageError, match="known are RN50:openai, RN50:yfcc15m"):
        find_published("nothing")


def test_all_of_openais_weights_want_the_quick_gelu() -> None:
    ours = {name for name, entry in PUBLISHED.items() if entry.quick_gelu}
    assert ours >= {name for name in PUBLISHED if name.endswith(":openai")}
    assert not any("laion2b" in name or "datacomp" in name for name in ours)


def test_model_info_is_plain(bare: Path, tmp_path: Path) -> None:
    info: ModelInfo = import_clip(bare, tmp_path / "out", QUICK)
    json.dumps(dict(info.provenance) | dict(info.details))
