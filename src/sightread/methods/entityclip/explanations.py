"""Explanations: which text explains a caption, and what of it the model gets to read (section 4).

They are made elsewhere and read here from a file of lines

    {"entity": "Vola Rano", "text": "Vola Rano is known for ...", "source": "glossary"}

with an optional `kind` ("the society"). The entity may be a whole caption: then the text explains
that caption. An entity explains every caption that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Pieces

from sightread.errors import UsageError
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.files import broken, read_bytes, read_lines
from sightread.text import fold

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_THIS = "this"
"""Stands for the name of an entity whose kind is not known."""
_FORM = 'an object {"entity": text, "text": text, "source": text}'


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text about an entity. `kind` is what stands for its name where names are masked."""

    entity: str
    text: str
    source: str = ""
    kind: str = ""

    def without_name(self) -> str:
        """The text with the kind in the place of the name, in any letter case."""
        words = _WORD.findall(self.entity)
        if not words:
            return self.text
        name = r"\b" + r"[\W_]+".join(map(re.escape, words)) + r"\b"
        return re.sub(name, lambda _: self.kind or _THIS, self.text, flags=re.IGNORECASE)


class Explanations:
    """Explanations by entity and by picture. Of two texts for one entity the first counts."""

    def __init__(
        self, entries: Sequence[Explanation] = (), pictures: Mapping[str, str] | None = None
    ) -> None:
        """
        Args:
            entries: by entity; those with an empty text are left out.
            pictures: path or name of a picture -> text, as the authors publish theirs.
        """
        self._by_name: dict[tuple[str, ...], Explanation] = {}
        for entry in entries:
            name = _words(entry.entity)
            if name and entry.text.strip():
                self._by_name.setdefault(name, entry)
        self._longest = max(map(len, self._by_name), default=0)
        found = pictures or {}
        self._by_picture = {_tail(path): text.strip() for path, text in found.items()}

    @property
    def entries(self) -> tuple[Explanation, ...]:
        """One for each entity, in their order."""
        return tuple(self._by_name.values())

    @property
    def by_picture(self) -> bool:
        """Whether there are texts that belong to pictures."""
        return bool(self._by_picture)

    def named(self, caption: str) -> tuple[Explanation, ...]:
        """Of the entities that a caption names, in its order; where names overlap, the longest."""
        words, found, at = _words(caption), [], 0
        while at < len(words):
            step = 1
            for length in range(min(self._longest, len(words) - at), 0, -1):
                entry = self._by_name.get(words[at : at + length])
                if entry is not None:
                    found.append(entry)
                    step = length
                    break
            at += step
        return tuple(dict.fromkeys(found))

    def of(self, caption: str, picture: str = "", *, masked: bool = False) -> str:
        """The text that explains a caption: that of its picture, or those of the entities that it
        names, joined by "; "; "" if there is none.

        Args:
            masked: put the kinds of entities in the place of their names.
        """
        own = self._by_picture.get(_tail(picture), "") if self._by_picture else ""
        if own:
            return own
        named = self.named(caption)
        return "; ".join(one.without_name() if masked else one.text for one in named)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(text)))


def _tail(path: str) -> str:
    """What of a path is the same on every machine: the picture's name, and for VisualNews, whose
    names are numbers, the four parts below the source's name with it."""
    parts = path.replace("\\", "/").split("/")
    if "images" in parts[:-1]:
        last = len(parts) - 1 - parts[::-1].index("images")
        if last > 0 and len(parts) > last + 2:
            return "/".join(parts[last - 1 :])
    return parts[-1]


def read_explanations(path: Path, sources: Sequence[str] = ()) -> Explanations:
    """The explanations of a JSONL file.

    Args:
        sources: keep only those from these; empty: all.

    Raises:
        UsageError: the file cannot be read, a line is not in its form, or nothing is left.
    """
    entries = [_entry(path, number, line) for number, line in read_lines(path)]
    kept = [one for one in entries if not sources or one.source in sources]
    if not kept:
        there = ", ".join(sorted({one.source for one in entries})) or "nothing"
        wanted = f" from {', '.join(sources)}" if sources else ""
        raise UsageError(f"{path} has no explanations{wanted}; it has some from: {there}.")
    return Explanations(kept)


def _entry(path: Path, number: int, line: str) -> Explanation:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise broken(path, number, _FORM, repr(line[:60])) from error
    if not isinstance(data, dict) or not _is_text(data.get("entity")) or "text" not in data:
        raise broken(path, number, _FORM, repr(line[:60]))
    fields = [data.get(name, "") for name in ("entity", "text", "source", "kind")]
    if not all(isinstance(one, str) for one in fields):
        raise broken(path, number, _FORM, repr(line[:60]))
    return Explanation(*fields)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def read_picture_explanations(path: Path) -> Explanations:
    """The authors' own form: one JSON object, path or name of a picture -> text.

    Raises:
        UsageError: the file cannot be read or is not in this form.
    """
    try:
        data = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(data, dict) or not all(isinstance(one, str) for one in data.values()):
        raise UsageError(f"{path} must be one JSON object, picture -> explanation.")
    return Explanations(pictures=data)


# --- what of a text is read --------------------------------------------------------------------


def explanation_of(
    settings: EntityClipConfig, known: Explanations, caption: str, picture: str = ""
) -> str:
    """What the switches make of the explanation of a caption; "" if there is none."""
    if settings.explanations == "none":
        return ""
    if settings.explanations == "caption":
        return caption
    return known.of(caption, picture, masked=settings.mask_names)


def limit(settings: EntityClipConfig, context_length: int) -> int:
    """How many pieces of an explanation the model reads: 75 of 77 in CLIP (section 3.5)."""
    longest = context_length - 2
    return min(settings.explanation_tokens or longest, longest)


def shortened(text: str, pieces: Pieces, most: int) -> str:
    """The leading sentences of a text that have at most so many pieces together.

    If the first has more, the text is given back as it is, to be cut within.
    """
    kept = ""
    for sentence in _SENTENCE_END.split(text.strip()):
        longer = f"{kept} {sentence}".strip()
        if len(pieces.encode(longer).ids) > most:
            break
        kept = longer
    return kept or text
