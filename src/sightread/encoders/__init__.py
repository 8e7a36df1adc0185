"""Encoders: pictures and queries as vectors in one space, from a model folder. No torch here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightread.encoders.onnx import OnnxEncoder


def open_encoder(folder: str | os.PathLike[str]) -> OnnxEncoder:
    """The encoder in a model folder; a `MatchingHead` as well if the model has one, a
    `ReadingEncoder` if it lets the words of pictures count. Its graphs are loaded, and their
    checksums compared, when they are first needed: a search loads only the text side.

    Raises:
        ModelError: there is no model, it is damaged, or it cannot serve.
    """
    from sightread.encoders.matching import OnnxMatcher, head_scale
    from sightread.encoders.onnx import OnnxEncoder
    from sightread.modelfolder import SCENE_TEXT_GRAPHS, read

    info = read(folder)
    if "scene_text" in info.details or any(name in info.files for name in SCENE_TEXT_GRAPHS):
        # It draws, and what draws takes a while to load.
        from sightread.encoders.scene_text import SceneTextEncoder

        return SceneTextEncoder(folder)
    return OnnxMatcher(folder) if head_scale(info) is not None else OnnxEncoder(folder)
