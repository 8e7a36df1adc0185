"""A public checkpoint on this machine becomes a model folder: `sightread models import`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sightread.clip.folder import Origin, write_folder
from sightread.clip.model import CLIP
from sightread.clip.published import PUBLISHED, WEIGHT_FILES, Colour, Published, full_name
from sightread.clip.tokens import clip_tokenizer
from sightread.clip.weights import at_size, build_clip, detect_config, read_weights
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import ModelInfo, file_sum
from sightread.preprocess import CLIP_MEAN, CLIP_STD, Fit, PreprocessSpec

_FILES = (*WEIGHT_FILES, "model.safetensors", "pytorch_model.bin")
_MAX_JSON_BYTES = 1_000_000
_FITS: dict[str, Fit] = {"shortest": "crop", "squash": "squash"}
"""open_clip's words for how a picture becomes a square, and ours."""
_GELUS = {"quick_gelu": True, "gelu": False}
_NOT_STATED = "not stated: see the source"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says; None: what the source says.

    Attributes:
        name: of the model; if it is in `PUBLISHED`, that entry tells the rest.
        quick_gelu: see `weights`.
        size_px: input size; positions are resized to it.
        tokenizer: a file or folder for `clip_tokenizer`.
        licence: of the weights.
    """

    name: str | None = None
    quick_gelu: bool | None = None
    size_px: int | None = None
    tokenizer: Path | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """How weights want to be used, as far as their source says it."""

    quick_gelu: bool | None = None
    mean: Colour = CLIP_MEAN
    std: Colour = CLIP_STD
    fit: Fit = "crop"
    licence: str = _NOT_STATED


def import_clip(
    source: Path,
    out: Path,
    wishes: Wishes | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> ModelInfo:
    """Read a checkpoint, check it, and write it as a model folder.

    Args:
        source: a checkpoint (see `weights.read_weights`), or a folder with one, as on the hub.
        out: the folder to make.
        wishes: what the source does not say, or says wrongly.
        provenance: where the file comes from; its name and SHA-256 are added.

    Raises:
        UsageError: `out` exists, or the GELU is not known.
        ModelError: the weights or the tokeniser cannot be used.
    """
    wishes = wishes or Wishes()
    if out.exists():
        raise UsageError(f"{out} is there already; name another folder, or remove it.")
    path = _weight_file(source)
    facts = _facts(path, wishes)
    if facts.quick_gelu is None:
        raise UsageError(
            f"Nothing beside {path} says which GELU the weights were trained with: add --gelu "
            "quick (OpenAI's weights, and those whose name says quickgelu) or --gelu exact."
        )
    tokenizer = clip_tokenizer(wishes.tokenizer or path.parent)
    model, native_px = _build(path, facts.quick_gelu, wishes)
    size_px = model.config.vision.image_px
    preprocess = PreprocessSpec(size_px, facts.fit, facts.mean, facts.std)
    made = {**(provenance or {}), "file": path.name, "sha256": file_sum(path).sha256}
    if size_px != native_px:
        made["positions"] = f"resized from {native_px} px, bicubic"
    origin = Origin(wishes.name or model.config.name, facts.licence, made)
    return write_folder(out, model, tokenizer, preprocess, origin)


def _build(path: Path, quick_gelu: bool, wishes: Wishes) -> tuple[CLIP, int]:
    """The model at the size that is wished for, and the size of the checkpoint."""
    weights = read_weights(path)
    try:
        config = detect_config(weights, quick_gelu=quick_gelu)
        published = _published(wishes)
        if published is not None and published.architecture != config.name:
            raise ModelError(f"It is a {config.name}, and {wishes.name} must be another.")
        native_px = config.vision.image_px
        config = at_size(config, wishes.size_px or native_px)
        return build_clip(weights, config, resize="bicubic"), native_px
    except ModelError as error:
        raise ModelError(f"{path} cannot be used. {error}") from error
    except ValueError as error:
        raise UsageError(f"The size is not possible: {error}.") from error


def _weight_file(source: Path) -> Path:
    if not source.is_dir():
        return source
    for name in _FILES:
        if (source / name).is_file():
            return source / name
    raise ModelError(
        f"{source} has no weights: put one of {', '.join(_FILES)} there, or name the file."
    )


# --- what the source says --------------------------------------------------------------------


def _facts(path: Path, wishes: Wishes) -> Facts:
    published = _published(wishes)
    if published is not None:
        facts = Facts(
            published.quick_gelu, published.mean, published.std, "crop", published.licence
        )
    else:
        facts = _facts_beside(path.parent)
    quick = facts.quick_gelu if wishes.quick_gelu is None else wishes.quick_gelu
    licence = wishes.licence or facts.licence
    return Facts(quick, facts.mean, facts.std, facts.fit, licence)


def _published(wishes: Wishes) -> Published | None:
    return PUBLISHED.get(full_name(wishes.name)) if wishes.name else None


def _facts_beside(folder: Path) -> Facts:
    """From the configuration files that open_clip and transformers put beside weights."""
    try:
        if (folder / "open_clip_config.json").is_file():
            return _open_clip_facts(_read_json(folder / "open_clip_config.json"))
        config = _read_json(folder / "config.json")
        pixels = _read_json(folder / "preprocessor_config.json")
        return _transformers_facts(config, pixels)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The configuration beside the weights in {folder} is damaged: {error!r}."
        ) from error


def _open_clip_facts(data: Mapping[str, Any]) -> Facts:
    pixels = data.get("preprocess_cfg", {})
    mode = pixels.get("resize_mode", "shortest")
    if mode not in _FITS:
        raise ModelError(
            f"The weights want pictures resized by {mode!r}; known are {', '.join(_FITS)}."
        )
    quick = bool(data["model_cfg"].get("quick_gelu", False))
    mean, std = _colour(pixels.get("mean", CLIP_MEAN)), _colour(pixels.get("std", CLIP_STD))
    return Facts(quick, mean, std, _FITS[mode])


def _transformers_facts(config: Mapping[str, Any], pixels: Mapping[str, Any]) -> Facts:
    mean = _colour(pixels.get("image_mean", CLIP_MEAN))
    std = _colour(pixels.get("image_std", CLIP_STD))
    if config.get("model_type") != "clip":
        return Facts(None, mean, std)
    towers = ("text_config", "vision_config")
    kinds = {config[tower].get("hidden_act", "quick_gelu") for tower in towers}
    if len(kinds) > 1 or not kinds <= set(_GELUS):
        raise ModelError(
            f"The towers use {' and '.join(sorted(kinds))}; both must use one of "
            f"{', '.join(_GELUS)}."
        )
    return Facts(_GELUS[kinds.pop()], mean, std)


def _colour(values: Any) -> Colour:
    red, green, blue = map(float, values)
    return red, green, blue


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        data = json.loads(file.read(_MAX_JSON_BYTES))
    if not isinstance(data, dict):
        raise ValueError(f"{path.name} holds no object")
    return cast(dict[str, Any], data)
