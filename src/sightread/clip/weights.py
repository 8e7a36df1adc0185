"""Published CLIP weights as our `CLIP`: read, named, checked, built.

Nothing that is read executes code: safetensors, or a state dict through `torch.load` with
`weights_only=True`. OpenAI's own `.pt` files are TorchScript programs; they are refused with the
way out, because reading them means running them or trusting a second pickle reader.

A checkpoint does not say which GELU it was trained with. OpenAI's weights and those whose public
name says `quickgelu` (also MetaCLIP, DFN) want `quick_gelu=True`, the other open_clip weights
`False`; with the wrong one everything loads and accuracy drops. So there is no default: the caller
says it, from the source's name or its `config.json`.
"""

from __future__ import annotations

import dataclasses
import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from sightread.clip.config import CONFIGS, ClipConfig, ResNetConfig, TextConfig, ViTConfig
from sightread.clip.model import CLIP
from sightread.clip.names import to_ours
from sightread.clip.positions import Interpolation, resize_positions
from sightread.errors import ModelError

_SHOWN = 3
_NESTED = ("state_dict", "model", "model_state_dict")
_CELL_PX = 32
"""Input pixels a cell of the published ResNets' last grid; shapes do not tell it."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint under OpenAI's names, float32, on the CPU.

    Args:
        path: safetensors, or a state dict saved by `torch.save`, alone or within a training
            checkpoint; names of OpenAI, open_clip or transformers.

    Raises:
        ModelError: it cannot be read, is a program, or has values that are no numbers.
    """
    try:
        raw = _read(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    weights = {name: _as_float(tensor) for name, tensor in to_ours(raw).items()}
    broken = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise ModelError(f"{path} is damaged: {_some(broken)} has values that are no numbers.")
    return weights


def detect_config(weights: Mapping[str, Tensor], *, quick_gelu: bool) -> ClipConfig:
    """The architecture, by its shapes.

    Args:
        weights: from `read_weights`.
        quick_gelu: see the module's text.

    Returns:
        A member of `CONFIGS` with the input size, context length and vocabulary of the weights.

    Raises:
        ModelError: they are not of a CLIP that is known.
    """
    found = _outline(_shapes(weights))
    for known in CONFIGS.values():
        # Heads leave no trace in shapes; they are the known model's.
        if _without_heads(known) == _without_heads(found):
            size = found.vision.image_px
            if isinstance(known.vision, ResNetConfig):
                size = size // _CELL_PX * known.vision.cell_px
            vision = dataclasses.replace(known.vision, image_px=size)
            text = dataclasses.replace(found.text, heads=known.text.heads)
            return dataclasses.replace(known, vision=vision, text=text, quick_gelu=quick_gelu)
    raise ModelError(
        f"The weights are of no known CLIP: {_describe(found)}; known are {', '.join(CONFIGS)}."
    )


def build_clip(
    weights: Mapping[str, Tensor], config: ClipConfig, *, resize: Interpolation | None = None
) -> CLIP:
    """A model with these weights, in evaluation mode. It owns the tensors.

    Args:
        weights: from `read_weights`.
        config: the architecture; `detect_config` finds the one that fits.
        resize: how to bring the position table of the image tower to the input size of `config`;
            None: it must have that size.

    Raises:
        ModelError: the weights are of another architecture.
    """
    with torch.device("meta"):
        model = CLIP(config)
    expected = model.state_dict()
    given = dict(weights)
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):  # counts training steps; some sources omit it
            given[name] = torch.zeros((), dtype=tensor.dtype)
    table = _position_name(config)
    if resize is not None and table in given and given[table].ndim == 2:
        given[table] = _resized(given[table], expected[table].shape[0], resize)
    _check_fit(given, expected, config.name)
    model.load_state_dict(given, assign=True)
    return model.eval()


def load_clip(
    path: Path, *, quick_gelu: bool, image_px: int | None = None, how: Interpolation = "bicubic"
) -> CLIP:
    """A published checkpoint as a model: `read_weights`, `detect_config`, `build_clip`.

    Args:
        path: as for `read_weights`.
        quick_gelu: see the module's text.
        image_px: side of the input; None: that of the checkpoint.
        how: how positions are interpolated if the sides differ.

    Raises:
        ModelError: the file or its weights cannot be used.
        ValueError: `image_px` is no multiple of the cell of the architecture.
    """
    weights = read_weights(path)
    try:
        config = detect_config(weights, quick_gelu=quick_gelu)
        if image_px is not None:
            config = at_size(config, image_px)
        return build_clip(weights, config, resize=how)
    except ModelError as error:
        raise ModelError(f"{path} cannot be used. {error}") from error


def at_size(config: ClipConfig, image_px: int) -> ClipConfig:
    """The architecture for another input size.

    Raises:
        ValueError: `image_px` is no positive multiple of the cell.
    """
    vision = config.vision
    cell = vision.cell_px if isinstance(vision, ResNetConfig) else vision.patch_px
    if image_px < cell or image_px % cell:
        raise ValueError(f"an input of {image_px} px is no multiple of the {cell} px of a cell")
    return dataclasses.replace(config, vision=dataclasses.replace(vision, image_px=image_px))


# --- reading ---------------------------------------------------------------------------------


def _read(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:] == b"{":
        return _read_safetensors(path)
    if head.startswith(b"PK\x03\x04"):
        _refuse_program(path)
    elif not head.startswith(b"\x80"):  # a pickle, from before torch 1.6
        raise ModelError(
            f"{path} is no checkpoint: neither safetensors nor a state dict saved by torch.save."
        )
    return _read_state_dict(path)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise ModelError(f"{path} is damaged: {error}.") from error


def _refuse_program(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path} is damaged: {error}.") from error
    if any(name.endswith("/constants.pkl") for name in names):
        raise ModelError(
            f"{path} is a TorchScript program, which would have to be run to be read: get the same "
            "weights with `sightread models pull`, or, if you trust the file, save only its "
            'weights with `torch.save(torch.jit.load("IN.pt").state_dict(), "OUT.pt")`.'
        )


def _read_state_dict(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or hostile archive makes of it
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ModelError(f"{path} cannot be read as weights only: {reason}.") from error
    for key in _NESTED:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    tensors = isinstance(loaded, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in loaded.items()
    )
    if not tensors:
        raise ModelError(f"{path} is no state dict: it must hold names and tensors, nothing else.")
    return cast(dict[str, Tensor], loaded)


def _as_float(tensor: Tensor) -> Tensor:
    # A copy, so that a tensor which shares memory with the file or a neighbour is free of it.
    return tensor.detach().to(torch.float32, copy=True).contiguous()


# --- what the shapes say ---------------------------------------------------------------------


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _outline(shapes: Mapping[str, tuple[int, ...]]) -> ClipConfig:
    """What the shapes tell. Heads are of 64 channels, as in most models."""
    vocab, width = _shape(shapes, "token_embedding.weight", 2)
    (context, _) = _shape(shapes, "positional_embedding", 2)
    (_, embed_dim) = _shape(shapes, "text_projection", 2)
    layers = _count(shapes, "transformer.resblocks.")
    text = TextConfig(context, vocab, width, max(1, width // 64), layers)
    if "visual.class_embedding" in shapes:
        return ClipConfig("ViT", embed_dim, _vit_outline(shapes), text)
    if "visual.attnpool.positional_embedding" in shapes:
        return ClipConfig("ResNet", embed_dim, _resnet_outline(shapes), text)
    visual = [name for name in shapes if name.startswith("visual.")]
    raise ModelError(
        "The image tower is neither CLIP's ResNet nor its ViT: it has "
        f"{_some(visual) if visual else 'no weights'}."
    )


def _vit_outline(shapes: Mapping[str, tuple[int, ...]]) -> ViTConfig:
    width, _, _, patch = _shape(shapes, "visual.conv1.weight", 4)
    rows, _ = _shape(shapes, "visual.positional_embedding", 2)
    layers = _count(shapes, "visual.transformer.resblocks.")
    return ViTConfig(layers, width, max(1, width // 64), patch, _side(rows) * patch)


def _resnet_outline(shapes: Mapping[str, tuple[int, ...]]) -> ResNetConfig:
    width, *_ = _shape(shapes, "visual.conv3.weight", 4)
    rows, _ = _shape(shapes, "visual.attnpool.positional_embedding", 2)
    first, second, third, fourth = (_count(shapes, f"visual.layer{n}.") for n in (1, 2, 3, 4))
    return ResNetConfig((first, second, third, fourth), width, _side(rows) * _CELL_PX)


def _shape(shapes: Mapping[str, tuple[int, ...]], name: str, ndim: int) -> tuple[int, ...]:
    shape = shapes.get(name)
    if shape is None:
        raise ModelError(f"The weights are not those of a CLIP: {name} is missing.")
    if len(shape) != ndim:
        raise ModelError(f"The weights are not those of a CLIP: {name} has shape {shape}.")
    return shape


def _count(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in shapes if name.startswith(prefix)})


def _side(rows: int) -> int:
    side = math.isqrt(max(0, rows - 1))
    if side * side != rows - 1:
        raise ModelError(f"A position table of {rows} rows is not 1 + a square number.")
    return side


def _without_heads(config: ClipConfig) -> tuple[object, ...]:
    vision, text = config.vision, config.text
    if isinstance(vision, ResNetConfig):
        tower: tuple[object, ...] = (vision.layers, vision.width)
    else:
        tower = (vision.layers, vision.width, vision.patch_px)
    return config.embed_dim, tower, text.width, text.layers


def _describe(config: ClipConfig) -> str:
    vision, text = config.vision, config.text
    patch = f", patches of {vision.patch_px} px" if isinstance(vision, ViTConfig) else ""
    return (
        f"{config.name} of {vision.layers} layers, width {vision.width}{patch}, text of "
        f"{text.layers} layers, width {text.width}, {config.embed_dim} dimensions"
    )


# --- fitting ---------------------------------------------------------------------------------


def _position_name(config: ClipConfig) -> str:
    pool = "attnpool." if isinstance(config.vision, ResNetConfig) else ""
    return f"visual.{pool}positional_embedding"


def _resized(table: Tensor, rows: int, how: Interpolation) -> Tensor:
    try:
        return resize_positions(table, _side(rows), how)
    except ValueError as error:
        raise ModelError(f"The positions cannot be resized: {error}.") from error


def _check_fit(given: Mapping[str, Tensor], expected: Mapping[str, Tensor], name: str) -> None:
    missing = [key for key in expected if key not in given]
    unknown = [key for key in given if key not in expected]
    shapes = [
        f"{key} {tuple(given[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in expected
        if key in given and given[key].shape != expected[key].shape
    ]
    wrong = []
    if missing:
        wrong.append(f"{len(missing)} missing ({_some(missing)})")
    if unknown:
        wrong.append(f"{len(unknown)} unknown ({_some(unknown)})")
    if shapes:
        wrong.append(f"{len(shapes)} of another shape ({_some(shapes)})")
    if wrong:
        raise ModelError(f"The weights do not fit {name}: {'; '.join(wrong)}.")


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
