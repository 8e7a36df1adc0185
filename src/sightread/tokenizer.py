"""A text as rows of token ids, the same at training and at serving.

The pieces come from a `tokenizer.json` that travels with the weights; the layout round them
(start, end, padding, length) is plain data beside it, so that serving needs no code of any model.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.config import parse, to_plain
from sightread.errors import ModelError, UsageError

MAX_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class TokenLayout:
    """`[start] pieces [end] pad pad ...`, `context_length` ids in all.

    Pieces that do not fit are dropped at their end; `end_id` is always there. The defaults are
    those of CLIP.
    """

    context_length: int = 77
    start_id: int = 49406
    end_id: int = 49407
    pad_id: int = 0

    def __post_init__(self) -> None:
        if not 3 <= self.context_length <= MAX_CONTEXT:
            raise ModelError(
                f"A context length of {self.context_length} tokens is not possible: it must be "
                f"3 to {MAX_CONTEXT}."
            )

    def to_json(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TokenLayout:
        """Raises ModelError: a field is missing, unknown, or not a whole number."""
        return parse(cls, data, "the token layout", ModelError)


@dataclass(frozen=True, slots=True)
class TokenizerSource:
    """The text of a `tokenizer.json` and the layout that goes with it."""

    json: str
    layout: TokenLayout = TokenLayout()


class Tokenizer:
    """Texts to ids. May be called from several threads at once."""

    def __init__(self, source: TokenizerSource) -> None:
        """
        Raises:
            ModelError: the JSON is not that of a tokenizer.
        """
        # Read once by the library when it starts: it must not warn about forks of the lab.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import tokenizers

        self.layout = source.layout
        try:
            self._pieces = tokenizers.Tokenizer.from_str(source.json)
        except Exception as error:  # the library raises nothing narrower
            raise ModelError(f"The tokenizer cannot be read: {error}.") from error
        # The layout alone decides about length and ends, whatever the file says.
        self._pieces.no_truncation()
        self._pieces.no_padding()

    def vocabulary(self) -> NDArray[np.int64]:
        """The ids of all pieces, ascending, without those of the layout."""
        ends = (self.layout.start_id, self.layout.end_id, self.layout.pad_id)
        known = set(self._pieces.get_vocab().values()).difference(ends)
        return np.array(sorted(known), np.int64)

    def fits(self, text: str) -> bool:
        """Whether nothing of a text is cut off."""
        count = len(self._pieces.encode(text, add_special_tokens=False).ids)
        return count <= self.layout.context_length - 2

    def __call__(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Token ids, (n, T) int64 with T = `context_length`.

        Raises:
            UsageError: a text is empty, or nothing is left of it.
        """
        layout = self.layout
        ids = np.full((len(texts), layout.context_length), layout.pad_id, np.int64)
        encoded = self._pieces.encode_batch(list(texts), add_special_tokens=False)
        for row, text, pieces in zip(ids, texts, encoded, strict=True):
            kept = pieces.ids[: layout.context_length - 2]
            if not text.strip() or not kept:
                raise UsageError(f"The text {text!r} has no words that could be encoded.")
            row[: len(kept) + 2] = [layout.start_id, *kept, layout.end_id]
        return ids
