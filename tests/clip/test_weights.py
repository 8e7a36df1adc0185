"""Checkpoints in every public form, and what is said about wrong ones."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sightread.clip.config import CONFIGS, ClipConfig, ResNetConfig, TextConfig, ViTConfig
from sightread.clip.model import CLIP
from sightread.clip.positions import resize_positions
from sightread.clip.weights import at_size, build_clip, detect_config, load_clip
from sightread.errors import ModelError
from tests.clip.formula import fill
from tests.clip.public import transformers_clip

Weights = dict[str, Tensor]


def filled(name: str) -> CLIP:
    model = CLIP(CONFIGS[name]).eval()
    fill(model)
    return model


def state(name: str) -> Weights:
    return {key: tensor.clone() for key, tensor in filled(name).state_dict().items()}


def same(model: CLIP, expected: Weights) -> None:
    got = model.state_dict()
    assert set(got) == set(expected)
    for key, tensor in expected.items():
        assert torch.equal(got[key], tensor.to(got[key].dtype)), key


def openai(weights: Weights) -> Weights:
    numbers = {"input_resolution": 64, "context_length": 32, "vocab_size": 436}
    return weights | {key: torch.tensor(value) for key, value in numbers.items()}


def custom_text(weights: Weights) -> Weights:
    text = ("transformer.", "token_embedding.", "positional_", "ln_final.", "text_projection")
    renamed = {f"text.{k}" if k.startswith(text) else k: v for k, v in weights.items()}
    mask = torch.full((32, 32), float("-inf")).triu(1)
    renamed["logit_scale"] = renamed["logit_scale"].reshape(1)
    return renamed | {"text.attn_mask": mask}


def without_counts(weights: Weights) -> Weights:
    return {key: value for key, value in weights.items() if "num_batches" not in key}


FORMS: dict[str, Callable[[Weights], Weights]] = {
    "openai": openai,
    "open_clip": lambda weights: weights,
    "custom text": custom_text,
    "ddp": lambda weights: {f"module.{key}": value for key, value in weights.items()},
    "compiled ddp": lambda w: {f"module._orig_mod.{key}": value for key, value in w.items()},
    "without counts": without_counts,
}


@pytest.mark.parametrize("name", ["tiny-RN", "tiny-ViT"])
@pytest.mark.parametrize("form", FORMS)
def test_every_public_form_is_read(tmp_path: Path, name: str, form: str) -> None:
    weights = state(name)
    path = tmp_path / "weights.pt"
    torch.save(FORMS[form](weights), path)
    model = load_clip(path, quick_gelu=True)
    same(model, weights)
    assert model.config == CONFIGS[name]
    assert not model.training


@pytest.mark.parametrize("container", ["safetensors", "torch", "training", "legacy torch"])
def test_every_container_is_read(tmp_path: Path, container: str) -> None:
    weights, path = state("tiny-ViT"), tmp_path / "anything.bin"
    if container == "safetensors":
        save_file(weights, path)
    elif container == "training":
        optimiser = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]}
        torch.save({"epoch": 3, "state_dict": weights, "optimizer": optimiser}, path)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=container == "torch")
    same(load_clip(path, quick_gelu=True), weights)


def test_weights_saved_by_transformers(tmp_path: Path) -> None:
    theirs = transformers_clip(quick_gelu=False)
    theirs.save_pretrained(tmp_path)
    model = load_clip(tmp_path / "model.safetensors", quick_gelu=False)
    assert model.config == replace(CONFIGS["tiny-ViT"], quick_gelu=False)
    their = theirs.state_dict()
    prefix = "vision_model.encoder.layers.2.self_attn."
    stacked = torch.cat([their[f"{prefix}{part}_proj.bias"] for part in "qkv"])
    assert model.state_dict()["visual.transformer.resblocks.2.attn.in_proj_bias"].equal(stacked)
    assert model.state_dict()["visual.proj"].equal(their["visual_projection.weight"].T)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    weights = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state("tiny-RN").items()}
    save_file(weights, tmp_path / "half")
    model = load_clip(tmp_path / "half", quick_gelu=True)
    kinds = {v.dtype for k, v in model.state_dict().items() if "num_batches" not in k}
    assert kinds == {torch.float32}
    same(model, weights)


def test_a_loaded_model_owns_its_weights(tmp_path: Path) -> None:
    save_file(state("tiny-RN"), tmp_path / "w")
    model = load_clip(tmp_path / "w", quick_gelu=True)
    (tmp_path / "w").write_bytes(b"")
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.requires_grad
            parameter.mul_(2)


# --- architectures ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
def test_every_known_architecture_is_recognised_by_its_shapes(name: str) -> None:
    with torch.device("meta"):
        weights = CLIP(CONFIGS[name]).state_dict()
    for quick_gelu in (True, False):
        expected = replace(CONFIGS[name], quick_gelu=quick_gelu)
        assert detect_config(weights, quick_gelu=quick_gelu) == expected


def test_input_size_context_and_vocabulary_are_those_of_the_weights() -> None:
    known = CONFIGS["ViT-L-14"]
    vision = replace(known.vision, image_px=336)
    text = replace(known.text, context_length=40, vocab_size=1000)
    config = replace(known, vision=vision, text=text)
    with torch.device("meta"):
        weights = CLIP(config).state_dict()
    assert detect_config(weights, quick_gelu=True) == config


SHALLOW = TextConfig(8, 20, 64, 1, 1)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            ClipConfig("", 16, ViTConfig(2, 64, 1, 8, 32), SHALLOW),
            "ViT of 2 layers, width 64, patches of 8 px, text of 1 layers, width 64, 16 dim",
        ),
        (
            ClipConfig("", 16, ResNetConfig((1, 2, 1, 1), 8, 64), SHALLOW),
            "ResNet of (1, 2, 1, 1) layers, width 8, text of 1 layers, width 64, 16 dim",
        ),
    ],
)
def test_an_unknown_architecture_is_described(config: ClipConfig, words: str) -> None:
    weights = CLIP(config).state_dict()
    with pytest.raises(ModelError, match="known are RN50, RN50x4") as caught:
        detect_config(weights, quick_gelu=True)
    assert words in str(caught.value)
    build_clip(weights, config)


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["nearest", "bicubic"])
@pytest.mark.parametrize(("name", "side"), [("tiny-RN", 5), ("tiny-ViT", 7)])
def test_another_input_size_on_request(tmp_path: Path, name: str, side: int, how: Any) -> None:
    save_file(state(name), tmp_path / "w")
    cell = 16
    model = load_clip(tmp_path / "w", quick_gelu=True, image_px=side * cell, how=how)
    key = "visual.attnpool." if name == "tiny-RN" else "visual."
    key += "positional_embedding"
    assert model.state_dict()[key].equal(resize_positions(state(name)[key], side, how))
    assert model.encode_image(torch.zeros(1, 3, side * cell, side * cell)).shape == (1, 128)
    assert model.config.vision.image_px == side * cell


def test_another_size_without_request_is_refused() -> None:
    config = at_size(CONFIGS["tiny-RN"], 96)
    rows, channels = state("tiny-RN")["visual.attnpool.positional_embedding"].shape
    more = 1 + (96 // 16) ** 2
    words = rf"positional_embedding \({rows}, {channels}\) instead of \({more}, {channels}\)"
    with pytest.raises(ModelError, match=words):
        build_clip(state("tiny-RN"), config)
    same_size = build_clip(state("tiny-RN"), CONFIGS["tiny-RN"], resize="bicubic")
    same(same_size, state("tiny-RN"))


@pytest.mark.parametrize(("name", "size"), [("tiny-RN", 100), ("tiny-ViT", 0), ("RN50", -32)])
def test_a_size_that_is_no_multiple_of_the_cell(name: str, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} px is no multiple of the"):
        at_size(CONFIGS[name], size)


# --- wrong files -----------------------------------------------------------------------------


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_clip(path, quick_gelu=True)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_wrong_variant_is_named_with_keys_and_shapes() -> None:
    with pytest.raises(ModelError) as caught:
        build_clip(state("tiny-ViT"), CONFIGS["tiny-RN"])
    message = str(caught.value)
    assert message.startswith("The weights do not fit tiny-RN: ")
    visual = [key for key in state("tiny-RN") if key.startswith("visual.")]
    assert "missing (visual.bn1.weight, visual.bn1.bias, visual.bn1.running_mean, ...)" in message
    stem = state("tiny-RN")["visual.conv1.weight"]
    assert f"visual.conv1.weight (96, 3, 16, 16) instead of {tuple(stem.shape)}" in message
    assert "unknown (visual.class_embedding, visual.positional_embedding, visual.proj, ...)" in (
        message
    )
    # All of the ResNet but conv1.weight, which both have, and the counts, which need not be there.
    counts = [key for key in visual if "num_batches" in key]
    assert f"{len(visual) - 1 - len(counts)} missing" in message


def test_missing_and_extra_weights(tmp_path: Path) -> None:
    weights = state("tiny-RN")
    del weights["visual.layer3.0.bn2.running_var"]
    save_file(weights | {"logit_bias": torch.zeros(1)}, tmp_path / "w")
    assert refusal(tmp_path / "w") == (
        f"{tmp_path / 'w'} cannot be used. The weights do not fit tiny-RN: "
        "1 missing (visual.layer3.0.bn2.running_var); 1 unknown (logit_bias)."
    )


def test_a_foreign_image_tower(tmp_path: Path) -> None:
    weights = {k: v for k, v in state("tiny-RN").items() if not k.startswith("visual.")}
    save_file(weights | {"visual.trunk.stem.weight": torch.zeros(1)}, tmp_path / "w")
    assert "it has visual.trunk.stem.weight." in refusal(tmp_path / "w")
    save_file(weights, tmp_path / "w")
    assert "it has no weights." in refusal(tmp_path / "w")


def test_not_a_clip_at_all(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "w")
    assert "token_embedding.weight is missing" in refusal(tmp_path / "w")
    save_file({"token_embedding.weight": torch.zeros(2)}, tmp_path / "w")
    assert "token_embedding.weight has shape (2,)" in refusal(tmp_path / "w")
    weights = state("tiny-ViT")
    weights["visual.positional_embedding"] = torch.zeros(7, 96)
    save_file(weights, tmp_path / "w")
    assert "table of 7 rows is not 1 + a square number" in refusal(tmp_path / "w")


def test_half_of_an_attention_of_transformers_is_named(tmp_path: Path) -> None:
    weights = transformers_clip(quick_gelu=True).state_dict()
    del weights["text_model.encoder.layers.1.self_attn.k_proj.bias"]
    save_file(weights, tmp_path / "w")
    assert "1 missing (transformer.resblocks.1.attn.in_proj_bias)" in refusal(tmp_path / "w")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    weights = state("tiny-RN")
    weights["visual.conv2.weight"][0, 1, 2, 0] = value
    save_file(weights, tmp_path / "w")
    assert "visual.conv2.weight has values that are no numbers" in refusal(tmp_path / "w")


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    path = tmp_path / "w"
    assert "No such file" in refusal(path)
    for content in (b"", b"hello, this is text", b"\x7fELF" * 9):
        path.write_bytes(content)
        assert "is no checkpoint: neither safetensors nor" in refusal(path)
    path.write_bytes(b"\x80\x02rubbish")
    assert "cannot be read as weights only" in refusal(path)
    path.write_bytes((9).to_bytes(8, "little") + b"{rubbish}")
    assert "is damaged" in refusal(path)
    assert "Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("container", ["safetensors", "torch"])
def test_a_truncated_file(tmp_path: Path, container: str) -> None:
    path = tmp_path / "w"
    if container == "torch":
        torch.save(state("tiny-RN"), path)
    else:
        save_file(state("tiny-RN"), path)
    whole = path.read_bytes()
    for part in (0.99, 0.5, 0.01):
        path.write_bytes(whole[: int(len(whole) * part)])
        assert "damaged" in refusal(path)


class Runs:
    """A pickle of this calls a function when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("/nonexistent/it-ran", "w"))


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    for new in (True, False):
        torch.save({"x": Runs()}, tmp_path / "w", _use_new_zipfile_serialization=new)
        assert "cannot be read as weights only" in refusal(tmp_path / "w")


def test_a_program_is_refused_with_the_way_out(tmp_path: Path) -> None:
    # What `torch.jit.save` writes, and OpenAI published, has code beside the data.
    path = tmp_path / "RN50.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    message = refusal(path)
    assert "is a TorchScript program" in message
    assert "sightread models pull" in message


def test_things_that_are_no_state_dicts(tmp_path: Path) -> None:
    for content in ([torch.zeros(2)], {"epoch": 3}, torch.zeros(2)):
        torch.save(content, tmp_path / "w")
        assert "is no state dict" in refusal(tmp_path / "w")
