"""A tiny CLIP of transformers, with weights that leave no part idle, and its names by hand."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel

from sightread.clip.config import CONFIGS, ViTConfig
from tests.clip.formula import weight

CONFIG = CONFIGS["tiny-ViT"]
assert isinstance(CONFIG.vision, ViTConfig)
VISION, TEXT = CONFIG.vision, CONFIG.text
IMAGE_PX = VISION.image_px


def transformers_clip(*, quick_gelu: bool) -> Any:
    """In the shapes of `tiny-ViT`."""
    both = [
        {
            "hidden_size": tower.width,
            "intermediate_size": 4 * tower.width,
            "num_hidden_layers": tower.layers,
            "num_attention_heads": tower.heads,
            "hidden_act": "quick_gelu" if quick_gelu else "gelu",
        }
        for tower in (TEXT, VISION)
    ]
    text = {"vocab_size": TEXT.vocab_size, "max_position_embeddings": TEXT.context_length}
    text |= {"bos_token_id": TEXT.vocab_size - 2, "eos_token_id": TEXT.vocab_size - 1}
    vision = {"image_size": IMAGE_PX, "patch_size": VISION.patch_px}
    config = CLIPConfig(
        text_config=both[0] | text | {"pad_token_id": 0},
        vision_config=both[1] | vision,
        projection_dim=CONFIG.embed_dim,
    )
    model = CLIPModel(config).eval()
    vary(model)
    return model


def vary(model: nn.Module) -> None:
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            tensor.copy_(weight(name, tuple(tensor.shape)))


def their_tensor(ours: dict[str, Tensor], name: str) -> Tensor:
    """The weight that transformers calls `name`, from ours; every case written out."""
    if name == "logit_scale":
        return ours["logit_scale"]
    if name == "visual_projection.weight":
        return ours["visual.proj"].T
    if name == "text_projection.weight":
        return ours["text_projection"].T
    tower = "visual." if name.startswith("vision_model.") else ""
    layer = re.search(r"layers\.(\d+)\.(.+)", name)
    if layer:
        return _layer_tensor(ours, f"{tower}transformer.resblocks.{layer[1]}.", layer[2])
    single = {
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
        "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
        "vision_model.post_layernorm.weight": "visual.ln_post.weight",
        "vision_model.post_layernorm.bias": "visual.ln_post.bias",
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.final_layer_norm.weight": "ln_final.weight",
        "text_model.final_layer_norm.bias": "ln_final.bias",
    }
    return ours[single[name]]


def _layer_tensor(ours: dict[str, Tensor], block: str, part: str) -> Tensor:
    kind = part.rpartition(".")[2]
    for at, letter in enumerate("qkv"):
        if part.startswith(f"self_attn.{letter}_proj"):
            return ours[f"{block}attn.in_proj_{kind}"].chunk(3)[at]
    names = {
        "self_attn.out_proj": "attn.out_proj",
        "layer_norm1": "ln_1",
        "layer_norm2": "ln_2",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    return ours[f"{block}{names[part.rpartition('.')[0]]}.{kind}"]
