"""The question that a language model is asked. Its version is kept with every answer."""

from __future__ import annotations

import hashlib
import json

from sightread.explain.explanation import Subject

VERSION = "1"
"""To be raised with every change of the words below."""

MAX_TOKENS = 160
"""Of an answer: 45 words, and room for those that count badly."""

_SYSTEM = "You write short visual notes for an image search index."
_RULES = (
    "Give the kind of thing it is and its stable visible traits: appearance, clothing, colours, "
    "setting, shape. Most visual facts first. At most 45 words, plain sentences, no preamble."
)
_ENTITY = (
    "Entity: {name}. Begin with this name and say what a photograph of it would show. {rules} "
    "If you do not know it, answer with the single word unknown."
)
_CAPTION = (
    "Caption: {name}. Say what a photograph with this caption would show, and name every entity "
    "in it. {rules} If you do not know an entity, describe its kind only."
)


def messages(subject: Subject) -> list[dict[str, str]]:
    """The chat that asks for a subject. Only its name goes out, never a picture or a path."""
    form = _ENTITY if subject.kind == "entity" else _CAPTION
    question = form.format(name=" ".join(subject.name.split()), rules=_RULES)
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": question}]


def fingerprint(source: str, model: str) -> str:
    """16 hex digits that change with whatever decides about an answer: who is asked, which model,
    the question."""
    said = [source, model, VERSION, MAX_TOKENS, _SYSTEM, _ENTITY, _CAPTION, _RULES]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]
