"""The pretrained CLIP that a method starts from, wherever its weights are."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer as Pieces

from sightread.clip.config import ClipConfig
from sightread.clip.folder import open_folder
from sightread.clip.model import CLIP
from sightread.clip.weights import build_clip, read_weights
from sightread.errors import UsageError


def load_backbone(path: Path, config: ClipConfig, method: str) -> CLIP:
    """A pretrained CLIP of this architecture; checksums are compared where the folder has them.

    Args:
        path: a file of weights, a checkpoint, a run, or a folder of kind "weights".
        method: who needs it, for the message.

    Raises:
        ModelError: the folder is damaged, or the weights are of another architecture.
        UsageError: there are none, or they are for another input size.
    """
    if not (path / "model.json").is_file():
        return build_clip(read_weights(weights_file(path)), config)
    found = open_folder(path).model
    # The GELU is in the text tower of a ResNet too, and only the folder knows which it is.
    if found.config != config:
        size = found.config.vision.image_px
        raise UsageError(
            f"{path} has a {found.config.name} for {size} px, but {method} needs a {config.name} "
            f"for {config.vision.image_px} px with the quick GELU"
        )
    return found


def weights_file(path: Path) -> Path:
    """The weights in a file, a checkpoint or weights folder, or the last checkpoint of a run.

    Raises:
        UsageError: there are none.
    """
    if path.is_file():
        return path
    steps = sorted(path.glob("checkpoints/step-*"))
    for folder in (path, *reversed(steps)):
        if (folder / "model.safetensors").is_file():
            return folder / "model.safetensors"
    raise UsageError(
        f"{path} has no weights of a backbone: name a file, a folder with model.safetensors, or "
        "the folder of a training run with --set method.clip="
    )


def token_id(pieces: Pieces, token: str) -> int:
    """The id of a token that the tokeniser must have.

    Raises:
        UsageError: it has not.
    """
    found = pieces.token_to_id(token)
    if found is None:
        raise UsageError(f"the tokeniser does not know {token!r}: name that of the backbone")
    return int(found)
