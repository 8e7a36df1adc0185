"""Parameter names of public CLIP checkpoints, and how they become ours, which are OpenAI's.

| source | differs in |
|---|---|
| OpenAI | three whole numbers beside the weights |
| open_clip `CLIP` | nothing |
| open_clip `CustomTextCLIP` | `text.` before the names of the text tower |
| transformers `CLIPModel` (ViT only) | all names; q, k, v apart; projections transposed |

Training scripts put `module.` (DDP) or `_orig_mod.` (torch.compile) in front of all names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_NO_WEIGHTS = {"input_resolution", "context_length", "vocab_size", "attn_mask", "text.attn_mask"}
_WRAPPERS = ("module.", "_orig_mod.")

_TOWERS = {"text_model.": "", "vision_model.": "visual."}
_PARTS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.class_embedding": "class_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
}
_LAYERS = {
    "encoder.layers.": "transformer.resblocks.",
    "self_attn.out_proj.": "attn.out_proj.",
    "layer_norm1.": "ln_1.",
    "layer_norm2.": "ln_2.",
    "mlp.fc1.": "mlp.c_fc.",
    "mlp.fc2.": "mlp.c_proj.",
    "final_layer_norm.": "ln_final.",
    "pre_layrnorm.": "ln_pre.",  # the spelling of transformers
    "post_layernorm.": "ln_post.",
}
_PROJECTIONS = {
    "visual_projection.weight": "visual.proj",
    "text_projection.weight": "text_projection",
}
_QUERY = re.compile(r"(.*)self_attn\.q_proj\.(weight|bias)")


def to_ours(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under OpenAI's names. A name that no source has stays as it is."""
    plain = {_unwrap(name): tensor for name, tensor in weights.items()}
    kept = {
        name: tensor
        for name, tensor in plain.items()
        if name not in _NO_WEIGHTS and not name.endswith(".position_ids")
    }
    if "text_model.embeddings.token_embedding.weight" in kept:
        kept = _from_transformers(kept)
    kept = {name.removeprefix("text."): tensor for name, tensor in kept.items()}
    if "logit_scale" in kept and kept["logit_scale"].numel() == 1:
        kept["logit_scale"] = kept["logit_scale"].reshape(())
    return kept


def _unwrap(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.partition(".")[2]
    return name


def _from_transformers(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    rest = dict(weights)
    ours: dict[str, Tensor] = {}
    for query in filter(None, map(_QUERY.fullmatch, weights)):
        parts = [f"{query[1]}self_attn.{part}_proj.{query[2]}" for part in "qkv"]
        if all(part in rest for part in parts):
            stacked = torch.cat([rest.pop(part) for part in parts])
            ours[_rename(f"{query[1]}attn.in_proj_{query[2]}")] = stacked
    for name, tensor in rest.items():
        if name in _PROJECTIONS:
            ours[_PROJECTIONS[name]] = tensor.T.contiguous()
        else:
            ours[_rename(name)] = tensor
    return ours


def _rename(name: str) -> str:
    for theirs, tower in _TOWERS.items():
        if name.startswith(theirs):
            part = name.removeprefix(theirs)
            part = _PARTS.get(part, part)
            for old, new in _LAYERS.items():
                part = part.replace(old, new)
            return tower + part
    return name
